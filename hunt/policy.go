package hunt

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/contrail-ir/contrail/fingerprint"
)

// Policy lets items into a fingerprint without asking a person; docs/formats/hunt.md describes its file. Whatever it says, nothing of a
// victim enters.
type Policy struct {
	By    string // whom the approvals name
	Waves int    // most waves; 0 for DefaultWaves
	Leave bool   // what it does not approve is left out, instead of waiting for a person
	Rules []PolicyRule
}

// PolicyRule approves an item that fits all that it says.
type PolicyRule struct {
	Kinds         []fingerprint.Kind // none: any
	Tiers         []fingerprint.Tier // none: any but never-alone
	Decibans      float64            // at least
	Organisations int                // that show it, at least; 0 counts as 1
	Untied        bool               // also what no record ties to what was known before
}

// DefaultWaves is the most waves of a hunt whose policy does not say.
const DefaultWaves = 5

// maxPolicy bounds a policy that is read, in bytes.
const maxPolicy = 1 << 20

// ReadPolicy reads a policy. Errors name the line; unknown keys are refused, because a policy that is misunderstood approves.
func ReadPolicy(in io.Reader) (*Policy, error) {
	content, err := io.ReadAll(io.LimitReader(in, maxPolicy+1))
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if len(content) > maxPolicy {
		return nil, fmt.Errorf("read policy: longer than %d bytes", maxPolicy)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("read policy: want the keys by, approve, otherwise, waves")
	}
	p := &Policy{Waves: DefaultWaves}
	err = eachKey(doc.Content[0], func(key string, v *yaml.Node) error {
		switch key {
		case "by":
			return v.Decode(&p.By)
		case "waves":
			if err := v.Decode(&p.Waves); err != nil || p.Waves < 1 || p.Waves > 100 {
				return errors.New("waves: want a number from 1 to 100")
			}
		case "otherwise":
			switch v.Value {
			case "wait":
			case "leave":
				p.Leave = true
			default:
				return fmt.Errorf("otherwise is %.40q: want wait or leave", v.Value)
			}
		case "approve":
			if v.Kind != yaml.SequenceNode {
				return errors.New("approve: want a list")
			}
			for _, n := range v.Content {
				r, err := policyRule(n)
				if err != nil {
					return err
				}
				p.Rules = append(p.Rules, r)
			}
		default:
			return fmt.Errorf("unknown key %.40q: want by, approve, otherwise or waves", key)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if p.By == "" || len(p.By) > 200 {
		return nil, errors.New("read policy: by is missing: whose policy is it? A name has 1 to 200 bytes")
	}
	return p, nil
}

// placed is an error at a line.
type placed struct {
	line int
	err  error
}

func (p *placed) Error() string { return fmt.Sprintf("line %d: %v", p.line, p.err) }
func (p *placed) Unwrap() error { return p.err }

// eachKey goes through a mapping; errors get the line.
func eachKey(n *yaml.Node, do func(key string, v *yaml.Node) error) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			return &placed{key.Line, fmt.Errorf("%.40q is there twice", key.Value)}
		}
		seen[key.Value] = true
		if err := do(key.Value, n.Content[i+1]); err != nil {
			if errors.As(err, new(*placed)) {
				return err
			}
			return &placed{key.Line, err}
		}
	}
	return nil
}

func policyRule(n *yaml.Node) (r PolicyRule, err error) {
	if n.Kind != yaml.MappingNode {
		return r, &placed{n.Line, errors.New("want keys such as kinds and tiers")}
	}
	err = eachKey(n, func(key string, v *yaml.Node) error {
		switch key {
		case "kinds":
			if err := v.Decode(&r.Kinds); err != nil {
				return err
			}
			for _, k := range r.Kinds {
				if !slices.Contains(fingerprint.Kinds(), k) {
					return fmt.Errorf("kind %.40q is not known", string(k))
				}
			}
		case "tiers":
			if err := v.Decode(&r.Tiers); err != nil {
				return err
			}
			for _, t := range r.Tiers {
				if !slices.Contains(tierOrder, t) {
					return fmt.Errorf("tier %.40q is not known", string(t))
				}
			}
		case "decibans":
			if err := v.Decode(&r.Decibans); err != nil || !(r.Decibans >= 0) {
				return errors.New("decibans: want a number from 0 on")
			}
		case "organisations":
			if err := v.Decode(&r.Organisations); err != nil || r.Organisations < 1 {
				return errors.New("organisations: want a number from 1 on")
			}
		case "untied":
			return v.Decode(&r.Untied)
		default:
			return fmt.Errorf("unknown key %.40q: want kinds, tiers, decibans, organisations or untied", key)
		}
		return nil
	})
	return r, err
}

var tierOrder = []fingerprint.Tier{fingerprint.Unique, fingerprint.Strong, fingerprint.Supporting, fingerprint.NeverAlone}

// approves says whether some rule lets an item in.
func (p *Policy) approves(it *fingerprint.Item, l *Lesson) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.Rules, func(r PolicyRule) bool {
		return (len(r.Kinds) == 0 || slices.Contains(r.Kinds, it.Kind)) &&
			(len(r.Tiers) == 0 && it.Tier != fingerprint.NeverAlone || slices.Contains(r.Tiers, it.Tier)) &&
			it.Specificity.Decibans >= r.Decibans && len(l.Orgs) >= max(1, r.Organisations) && (l.Tied || r.Untied)
	})
}
