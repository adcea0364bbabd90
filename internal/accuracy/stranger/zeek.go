package stranger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const zeekConn = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tcount\tstring\tcount\tcount\tcount\tcount\n"
const zeekDNS = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype_name\trcode_name\tanswers\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\tstring\tvector[string]\n"
const zeekSSL = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tcipher\tserver_name\testablished\tja3\tsubject\tissuer\n#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tstring\tbool\tstring\tstring\tstring\n"

type zeek struct {
	o    *org
	dir  string
	json bool
}

func (o *org) zeek(dir string, js bool) *zeek {
	z := &zeek{o, dir, js}
	if !js {
		o.head(dir+"/conn.log", zeekConn)
		o.head(dir+"/dns.log", zeekDNS)
		o.head(dir+"/ssl.log", zeekSSL)
	}
	return z
}

func (z *zeek) uid() string {
	const a = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
	b := []byte("C")
	for i := 0; i < 16; i++ {
		b = append(b, a[z.o.r.Intn(len(a))])
	}
	return string(b)
}

func ts(t time.Time) string { return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000) }

func (z *zeek) line(log string, t time.Time, step string, names []string, vals ...any) {
	if z.json {
		m := map[string]any{}
		for i, n := range names {
			if vals[i] == "-" {
				continue
			}
			m[n] = vals[i]
		}
		j, _ := json.Marshal(m)
		z.o.put(z.dir+"/"+log+".json", t, step, string(j))
		return
	}
	var s []string
	for _, v := range vals {
		if l, ok := v.([]string); ok {
			s = append(s, strings.Join(l, ","))
		} else if b, ok := v.(bool); ok {
			s = append(s, map[bool]string{true: "T", false: "F"}[b])
		} else if f, ok := v.(float64); ok {
			s = append(s, fmt.Sprintf("%.6f", f))
		} else {
			s = append(s, fmt.Sprint(v))
		}
	}
	z.o.put(z.dir+"/"+log+".log", t, step, strings.Join(s, "\t"))
}

func (z *zeek) tsv(t time.Time) any {
	if z.json {
		return float64(t.UnixMicro()) / 1e6
	}
	return ts(t)
}

func (o *org) srcPort() int {
	if p := o.port; p != 0 {
		o.port = 0
		return p
	}
	return 49152 + o.r.Intn(16000)
}

func (z *zeek) conn(t time.Time, step, src, dst string, port int, service string, dur float64, out, in int) string {
	u := z.uid()
	z.line("conn", t, step, []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "local_orig", "missed_bytes", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"},
		z.tsv(t), u, src, z.o.srcPort(), dst, port, map[bool]string{true: "udp", false: "tcp"}[port == 53], service, dur, out, in, "SF", true, 0, "ShADadFf", 3+out/1300, out+120, 3+in/1300, in+120)
	return u
}

func (z *zeek) dns(t time.Time, step, src, q, typ string, ans ...string) {
	rc := "NOERROR"
	if len(ans) == 0 {
		rc, ans = "NXDOMAIN", []string{"-"}
		if z.json {
			ans = nil
		}
	}
	z.line("dns", t, step, []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "query", "qtype_name", "rcode_name", "answers"},
		z.tsv(t), z.uid(), src, 49152+z.o.r.Intn(16000), "10.0.0.10", 53, "udp", q, typ, rc, ans)
}

func (z *zeek) ssl(t time.Time, step, uid, src, dst, sni string) {
	z.line("ssl", t, step, []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "version", "cipher", "server_name", "established", "ja3", "subject", "issuer"},
		z.tsv(t), uid, src, 49152+z.o.r.Intn(16000), dst, 443, "TLSv12", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", sni, true, "a0e9f5d64349fb13191bc781f81f42e1", "CN="+sni, "CN=R3,O=Let's Encrypt")
}

func (z *zeek) https(t time.Time, step, src, dst, sni string, dur float64, out, in int) {
	u := z.conn(t, step, src, dst, 443, "ssl", dur, out, in)
	z.ssl(t.Add(40*time.Millisecond), step, u, src, dst, sni)
}

// live: hosts' ordinary traffic
func (z *zeek) live(from time.Time, days int, hosts ...string) {
	r := z.o.r
	for d := 0; d < days; d++ {
		for _, h := range hosts {
			for k := 0; k < 6; k++ {
				t := from.AddDate(0, 0, d).Add(time.Duration(6*3600+r.Intn(12*3600)) * time.Second)
				s := sites[r.Intn(len(sites))]
				z.dns(t, "", h, s[0], "A", s[1])
				z.https(t.Add(50*time.Millisecond), "", h, s[1], s[0], r.Float64()*30, 800+r.Intn(9000), 4000+r.Intn(400000))
			}
			t := from.AddDate(0, 0, d).Add(time.Duration(r.Intn(86000)) * time.Second)
			z.conn(t, "", h, "10.0.0.10", 389, "ldap", 0.4, 900, 2100)
			z.conn(t.Add(time.Minute), "", h, "10.0.0.31", 445, "smb", 12, 9000+r.Intn(30000), 80000)
		}
	}
}
