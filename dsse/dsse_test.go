package dsse

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
)

// The example of the DSSE protocol document.
func TestPAEOfTheSpecification(t *testing.T) {
	got := PAE("http://example.com/HelloWorld", []byte("hello world"))
	if string(got) != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Errorf("PAE = %q", got)
	}
	if got := PAE("é", nil); string(got) != "DSSEv1 2 é 0 " {
		t.Errorf("PAE counts characters, not bytes: %q", got)
	}
}

func pair(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pub, priv
}

const kind = "application/vnd.contrail.test+json"

func TestThresholdCountsDistinctKeys(t *testing.T) {
	aPub, a := pair(t)
	bPub, b := pair(t)
	cPub, _ := pair(t)
	e, err := Sign(kind, []byte("{}"), a)
	if err != nil {
		t.Fatal(err)
	}
	if e.AddSignature(a) == nil {
		t.Error("the same key signed twice")
	}
	e.Signatures = append(e.Signatures, e.Signatures[0]) // a copy of the signature is not a second signer
	if _, _, err := e.Verify(kind, 2, aPub, aPub, bPub); err == nil {
		t.Error("one key counted twice")
	}
	if err := e.AddSignature(b); err != nil {
		t.Fatal(err)
	}
	raw, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	payload, by, err := back.Verify(kind, 2, cPub, aPub, bPub)
	if err != nil || string(payload) != "{}" || len(by) != 2 || by[0] != 1 || by[1] != 2 {
		t.Errorf("Verify = %q, %v, %v", payload, by, err)
	}
	if _, _, err := back.Verify("text/plain", 1, aPub); err == nil {
		t.Error("another payload type accepted")
	}
	if _, _, err := back.Verify(kind, 0, aPub); err == nil {
		t.Error("threshold 0 accepted")
	}
	if _, _, err := back.Verify(kind, 1, cPub, nil); err == nil {
		t.Error("a stranger's key verified")
	}
}

func TestChangedPayloadOrTypeDoesNotVerify(t *testing.T) {
	pub, priv := pair(t)
	e, _ := Sign(kind, []byte("payload"), priv)
	for i := range e.Payload {
		c := *e
		c.Payload = bytes.Clone(e.Payload)
		c.Payload[i] ^= 1
		if _, _, err := c.Verify(kind, 1, pub); err == nil {
			t.Errorf("flip at %d not noticed", i)
		} else if want := "0 of the 1 needed signatures by trusted keys; 1 by trusted keys do not fit: something was changed after it was signed"; !strings.HasSuffix(err.Error(), want) {
			t.Fatalf("%v, want %q", err, want)
		}
	}
	other, _ := pair(t)
	if _, _, err := e.Verify(kind, 1, other); err == nil || !strings.HasSuffix(err.Error(), "; 1 by keys that are not trusted here") {
		t.Errorf("a strange key: %v", err)
	}
	c := *e
	c.PayloadType = "x"
	if _, _, err := c.Verify("x", 1, pub); err == nil {
		t.Error("changed type not noticed")
	}
}

func TestParseRefuses(t *testing.T) {
	many := `{"payloadType":"x","payload":"","signatures":[` + strings.Repeat(`{"sig":""},`, MaxSignatures) + `{"sig":""}]}`
	for _, s := range []string{``, `{}`, `null`, `{"payloadType":"x","payload":"","signatures":[]}`, `{"payloadType":"x","payload":"*","signatures":[{"sig":""}]}`,
		`{"payloadType":"","payload":"","signatures":[{"sig":""}]}`, `{"payloadType":"x","signatures":[{"sig":""}]}`, many,
		`{"payloadType":"x","payload":"","signatures":[{"sig":"AA=="}]} x`} {
		if _, err := Parse([]byte(s)); err == nil {
			t.Errorf("%.60s accepted", s)
		}
	}
	e, err := Parse([]byte(`{"payloadType":"x","payload":"-_-_","signatures":[{"sig":"AA=="}],"extra":1}`))
	if err != nil || !bytes.Equal(e.Payload, []byte{0xfb, 0xff, 0xbf}) {
		t.Errorf("URL-safe base64: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	pub, priv, _ := ed25519.GenerateKey(nil)
	e, _ := Sign(kind, []byte("{}"), priv)
	raw, _ := e.Encode()
	f.Add(raw)
	f.Add([]byte(`{"payloadType":"x","payload":"-_","signatures":[{"sig":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			return
		}
		e.Verify(e.PayloadType, 1, pub)
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Parse(raw); err != nil || !bytes.Equal(back.Payload, e.Payload) {
			t.Errorf("does not read back: %v", err)
		}
	})
}
