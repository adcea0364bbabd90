package ioc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readJSON tells a STIX bundle from a MISP event by its keys.
func (r *reader) readJSON(text []byte) {
	if text[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			r.broken("json", "is not valid JSON: "+err.Error())
			return
		}
		took := false
		for _, it := range items {
			took = r.readObject(bytes.TrimSpace(it)) || took
		}
		if !took {
			r.report.Why = "JSON that is neither a STIX bundle nor a MISP event"
		}
		return
	}
	if !r.readObject(text) && r.report.Why == "" {
		r.report.Why = "JSON that is neither a STIX bundle nor a MISP event"
	}
}

func (r *reader) readObject(text []byte) bool {
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	var s stixReader
	s.r = r
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token() // the brace
	isStix := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			r.broken("json", "is not valid JSON: "+err.Error())
			return true
		}
		switch key {
		case "objects":
			isStix = true
			if err := eachItem(d, s.object); err != nil {
				s.end()
				r.broken("stix", "is not valid JSON: "+err.Error())
				return true
			}
		case "Event":
			r.report.Format = "misp"
			var e mispEvent
			if err := d.Decode(&e); err != nil {
				r.broken("misp", "is not a MISP event: "+err.Error())
				return true
			}
			r.readEvent(&e)
			return true
		case "response":
			var wrapped json.RawMessage
			if err := d.Decode(&wrapped); err != nil {
				r.broken("misp", "is not valid JSON: "+err.Error())
				return true
			}
			r.report.Format = "misp"
			var events []struct{ Event mispEvent }
			if err := json.Unmarshal(wrapped, &events); err != nil {
				var one struct{ Attribute []mispAttribute }
				if err := json.Unmarshal(wrapped, &one); err != nil {
					r.broken("misp", "is not a MISP answer: "+err.Error())
					return true
				}
				r.readEvent(&mispEvent{Attribute: one.Attribute})
				return true
			}
			for i := range events {
				r.readEvent(&events[i].Event)
			}
			return true
		default:
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				r.broken("json", "is not valid JSON: "+err.Error())
				return true
			}
			if key == "type" && strings.Trim(string(skip), `"`) == "indicator" {
				isStix = true
				if err := s.object(text); err != nil {
					r.broken("stix", err.Error())
				}
				s.end()
				return true
			}
		}
	}
	if isStix {
		s.end()
	}
	return isStix
}

// eachItem calls f for each item of an array, one at a time.
func eachItem(d *json.Decoder, f func(json.RawMessage) error) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('[') {
		return errors.New("objects is no list")
	}
	for n := 0; d.More(); n++ {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("it ends in object %d", n)
			}
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
