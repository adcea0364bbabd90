package ioc

import (
	"encoding/json"
	"strings"
)

// mispEvent is what matters of a MISP event.
type mispEvent struct {
	UUID        string          `json:"uuid"`
	Info        string          `json:"info"`
	ThreatLevel json.RawMessage `json:"threat_level_id"`
	Attribute   []mispAttribute
	Object      []struct {
		Name      string `json:"name"`
		Deleted   bool   `json:"deleted"`
		Attribute []mispAttribute
	}
	Tag []mispTag
}

type mispTag struct {
	Name string `json:"name"`
}

type mispAttribute struct {
	UUID     string          `json:"uuid"`
	Type     string          `json:"type"`
	Value    json.RawMessage `json:"value"`
	ToIDs    bool            `json:"to_ids"`
	Deleted  bool            `json:"deleted"`
	Comment  string          `json:"comment"`
	Relation string          `json:"object_relation"`
	Tag      []mispTag
}

// mispKinds gives what an attribute type holds; for a composite "a|b" the kinds of both parts, 0 for a part that is not compared.
var mispKinds = map[string][]Kind{
	"md5": {Hash}, "sha1": {Hash}, "sha224": {Hash}, "sha256": {Hash}, "sha384": {Hash}, "sha512": {Hash}, "sha512/256": {Hash}, "sha3-256": {Hash}, "imphash": {Hash}, "pehash": {Hash},
	"authentihash": {Hash}, "vhash": nil, "x509-fingerprint-md5": {Hash}, "x509-fingerprint-sha1": {Hash}, "x509-fingerprint-sha256": {Hash}, "ja3-fingerprint-md5": {Hash}, "hassh-md5": {Hash}, "hasshserver-md5": {Hash},
	"filename|md5": {0, Hash}, "filename|sha1": {0, Hash}, "filename|sha224": {0, Hash}, "filename|sha256": {0, Hash}, "filename|sha384": {0, Hash}, "filename|sha512": {0, Hash}, "filename|imphash": {0, Hash},
	"filename|authentihash": {0, Hash}, "malware-sample": {0, Hash}, "filename": {FileName}, "process-name": {Process},
	"ip-src": {Address}, "ip-dst": {Address}, "ip-src|port": {Address, 0}, "ip-dst|port": {Address, 0}, "domain": {Domain}, "hostname": {Domain}, "hostname|port": {Domain, 0}, "domain|ip": {Domain, Address},
	"url": {URL}, "uri": {URL}, "link": {URL}, "email": {Email}, "email-src": {Email}, "email-dst": {Email}, "email-reply-to": {Email}, "email-subject": {Text}, "email-message-id": {Text}, "email-x-mailer": {UserAgent},
	"user-agent": {UserAgent}, "http-user-agent": {UserAgent}, "mutex": {Mutex}, "regkey": {Registry}, "regkey|value": {Registry, 0}, "named pipe": {Text}, "windows-service-name": {Text},
	"windows-service-displayname": {Text}, "windows-scheduled-task": {Text}, "pdb": {Text}, "mobile-application-id": {Application}, "email-attachment": {FileName}, "pattern-in-traffic": {Text},
}

func (r *reader) readEvent(e *mispEvent) {
	about := &About{Title: e.Info, Source: r.name}
	if about.Title == "" {
		about.Title = r.about.Title
	}
	switch strings.Trim(string(e.ThreatLevel), `"`) {
	case "1":
		about.Level = "high"
	case "2":
		about.Level = "medium"
	case "3":
		about.Level = "low"
	}
	about.tag(e.Tag)
	for i := range e.Attribute {
		r.attribute(&e.Attribute[i], about)
	}
	for i := range e.Object {
		if e.Object[i].Deleted {
			continue
		}
		for j := range e.Object[i].Attribute {
			r.attribute(&e.Object[i].Attribute[j], about)
		}
	}
}

func (a *About) tag(tags []mispTag) {
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Name), "tlp:") {
			a.Marking = normalTLP(t.Name)
			continue
		}
		a.Tags = append(a.Tags, t.Name)
	}
}

func (r *reader) attribute(a *mispAttribute, about *About) {
	kinds, compared := mispKinds[strings.ToLower(a.Type)]
	if a.Deleted {
		return
	}
	if !a.ToIDs {
		if compared {
			r.report.Context++
		}
		return
	}
	var value string
	if err := json.Unmarshal(a.Value, &value); err != nil {
		value = string(a.Value)
	}
	if kinds == nil {
		r.refuse(orValue(a.UUID, value), "attributes of type "+quoted(a.Type)+" are not compared with logs")
		return
	}
	if len(a.Tag) > 0 {
		own := *about
		own.Tags = append([]string(nil), about.Tags...)
		own.tag(a.Tag)
		about = &own
	}
	parts := []string{value}
	if len(kinds) > 1 {
		first, second, ok := strings.Cut(value, "|")
		if !ok {
			r.refuse(orValue(a.UUID, value), "the value has one part where its type has two")
			return
		}
		parts = []string{first, second}
	}
	for i, k := range kinds {
		if k == 0 {
			continue
		}
		how := Is
		v := parts[i]
		switch {
		case k == URL && strings.HasPrefix(v, "/"):
			how = Contains
		case a.Type == "pattern-in-traffic":
			how = Contains
		}
		r.add(a.UUID, k, how, v, about)
	}
}
