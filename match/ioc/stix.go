package ioc

import (
	"encoding/json"
	"strings"
	"time"
)

// stixObject is what matters of a STIX 2.0 or 2.1 object.
type stixObject struct {
	Type           string   `json:"type"`
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	Pattern        string   `json:"pattern"`
	PatternType    string   `json:"pattern_type"`
	Labels         []string `json:"labels"`
	IndicatorTypes []string `json:"indicator_types"`
	Confidence     int      `json:"confidence"`
	Revoked        bool     `json:"revoked"`
	ValidFrom      string   `json:"valid_from"`
	ValidUntil     string   `json:"valid_until"`
	Markings       []string `json:"object_marking_refs"`
	KillChain      []struct {
		Name  string `json:"kill_chain_name"`
		Phase string `json:"phase_name"`
	} `json:"kill_chain_phases"`
	Definition     json.RawMessage `json:"definition"`
	DefinitionType string          `json:"definition_type"`
}

// stixReader takes the indicators of a bundle; names that stand elsewhere in it are filled in at the end.
type stixReader struct {
	r        *reader
	report   string            // name of the bundle's report
	markings map[string]string // id to TLP
	pending  []pendingAbout
}

type pendingAbout struct {
	about    *About
	named    bool
	markings []string
}

// tlpMarkings are the fixed ids of the traffic light protocol's markings, of STIX 2.1 (section 7.2.1.4) and of TLP 2.0.
var tlpMarkings = map[string]string{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "TLP:CLEAR",
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "TLP:GREEN",
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "TLP:AMBER",
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "TLP:RED",
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "TLP:CLEAR",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "TLP:GREEN",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "TLP:AMBER",
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "TLP:AMBER+STRICT",
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "TLP:RED",
}

func (s *stixReader) object(raw json.RawMessage) error {
	s.r.report.Format = "stix"
	var o stixObject
	if err := json.Unmarshal(raw, &o); err != nil {
		s.r.refuse("", "an object of the bundle is not as STIX says: "+err.Error())
		return nil
	}
	switch o.Type {
	case "report":
		if s.report == "" {
			s.report = o.Name
		}
	case "malware", "campaign", "intrusion-set":
		if s.report == "" {
			s.report = o.Name
		}
	case "marking-definition":
		var d struct {
			TLP string `json:"tlp"`
		}
		if o.DefinitionType == "tlp" && json.Unmarshal(o.Definition, &d) == nil && d.TLP != "" {
			if s.markings == nil {
				s.markings = map[string]string{}
			}
			s.markings[o.ID] = normalTLP(d.TLP)
		}
	case "indicator":
		s.indicator(&o)
	}
	return nil
}

// normalTLP gives the label of TLP 2.0.
func normalTLP(s string) string {
	s = strings.ToUpper(strings.TrimSpace(strings.TrimPrefix(strings.ToLower(s), "tlp:")))
	if s == "WHITE" {
		s = "CLEAR"
	}
	return "TLP:" + s
}

func (s *stixReader) indicator(o *stixObject) {
	if o.Revoked {
		s.r.refuse(o.ID, "revoked by its producer")
		return
	}
	if o.PatternType != "" && o.PatternType != "stix" {
		s.r.refuse(o.ID, "its pattern is of type "+quoted(o.PatternType)+", not a STIX pattern")
		return
	}
	about := &About{Title: o.Name, Source: s.r.name, Confidence: max(0, min(o.Confidence, 100)), ValidFrom: stamp(o.ValidFrom), ValidUntil: stamp(o.ValidUntil)}
	about.Tags = append(append(about.Tags, o.Labels...), o.IndicatorTypes...)
	for _, k := range o.KillChain {
		about.Tags = append(about.Tags, k.Name+":"+k.Phase)
	}
	s.pending = append(s.pending, pendingAbout{about, o.Name != "", o.Markings})
	s.r.readPattern(o.ID, o.Pattern, about)
}

func stamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// end fills in what was not known when an indicator was met.
func (s *stixReader) end() {
	for _, p := range s.pending {
		switch {
		case s.report == "" && !p.named:
			p.about.Title = s.r.about.Title
		case s.report == "":
		case !p.named || looksLikeName(p.about.Title):
			p.about.Title = s.report
		}
		for _, m := range p.markings {
			if tlp := tlpMarkings[m]; tlp != "" {
				p.about.Marking = tlp
			} else if tlp := s.markings[m]; tlp != "" {
				p.about.Marking = tlp
			}
		}
	}
	s.pending = nil
}

// looksLikeName says whether an indicator's name only repeats its value.
func looksLikeName(s string) bool {
	_, ok := guess(s)
	return ok
}
