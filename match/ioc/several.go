package ioc

import (
	"errors"
	"fmt"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/match/ioc/observed"
	"github.com/contrail-ir/contrail/stix/pattern"
)

// Observations is a STIX pattern over several events. Its parts are looked for as compounds are, each in one event; the plan says how
// their events must lie to each other.
type Observations struct {
	Text  string // the pattern
	Plan  *observed.Plan
	Parts []*Expression
}

// partOf says which part of which rule a rule stands for.
type partOf struct {
	rule event.RuleIndex
	part int
}

// Part gives the rule that another is a part of, and which; false for a rule that is none.
func (s *Set) Part(rule event.RuleIndex) (whole event.RuleIndex, part int, ok bool) {
	p, ok := s.parts[int(rule)]
	return p.rule, p.part, ok
}

// addParts numbers the parts of the patterns over several events behind all rules.
func (s *Set) addParts(from int) {
	for i := from; i < len(s.rules); i++ {
		in := s.rules[i]
		if in.Several == nil {
			continue
		}
		if s.parts == nil {
			s.parts = map[int]partOf{}
		}
		for n, part := range in.Several.Parts {
			s.parts[len(s.rules)] = partOf{event.RuleIndex(i), n}
			s.rules = append(s.rules, Indicator{ID: in.ID, All: part, About: in.About})
		}
	}
}

// patternReader takes one pattern.
type patternReader struct {
	*reader
	id    string
	about *About
	tests map[*pattern.Observation]*Expression
}

// readPattern takes the alternatives of a pattern that evidence can decide. What is left out is told with the reason.
func (r *reader) readPattern(id, text string, about *About) {
	parsed, err := pattern.Parse(text)
	if err != nil {
		r.refuse(id, "its pattern cannot be read: "+err.Error())
		return
	}
	if n := len(pattern.Tests(parsed)); n > maxTerms {
		r.refuse(id, fmt.Sprintf("its pattern has %d comparisons, more than %d", n, maxTerms))
		return
	}
	p := &patternReader{r, id, about, map[*pattern.Observation]*Expression{}}
	e, err := p.decidable(parsed)
	if err != nil {
		r.refuseFor(id, "", err)
		return
	}
	p.take(e)
}

// decidable leaves of a pattern what evidence can decide. Of an OR, the parts that it cannot are left out and told; everything else needs
// all its parts.
func (p *patternReader) decidable(e pattern.Expression) (pattern.Expression, error) {
	switch e := e.(type) {
	case *pattern.Observation:
		x, err := p.comparison(p.id, e.Test)
		if err == nil && !x.enough() {
			err = fmt.Errorf("%s asks only for what nearly every event has: it would match everywhere by itself", e)
		}
		p.tests[e] = x
		return e, err
	case *pattern.Combination:
		out := &pattern.Combination{Op: e.Op}
		var why error
		for _, t := range e.Terms {
			d, err := p.decidable(t)
			switch {
			case err == nil:
				out.Terms = append(out.Terms, d)
			case e.Op != pattern.Or:
				return nil, err
			default:
				why = err
				p.refuseFor(p.id, "left out of the pattern: ", err)
			}
		}
		switch len(out.Terms) {
		case 0:
			return nil, why
		case 1:
			return out.Terms[0], nil
		}
		return out, nil
	case *pattern.Qualified:
		of, err := p.decidable(e.Of)
		if err != nil {
			return nil, err
		}
		return &pattern.Qualified{Of: of, By: e.By}, nil
	}
	return nil, errors.New("an unknown expression")
}

// take makes indicators of a pattern: its alternatives are matches by themselves, and what one event decides needs no joining.
func (p *patternReader) take(e pattern.Expression) {
	switch e := e.(type) {
	case *pattern.Observation:
		p.takeAll(p.id, p.tests[e], p.about)
		return
	case *pattern.Combination:
		if e.Op == pattern.Or {
			for _, t := range e.Terms {
				p.take(t)
			}
			return
		}
	case *pattern.Qualified:
		_, one := e.Of.(*pattern.Observation)
		_, within := e.By.(*pattern.Within)
		times, repeats := e.By.(*pattern.Repeats)
		if one && within || repeats && times.Times == 1 { // one event is always within any time
			p.take(e.Of)
			return
		}
	}
	several := &Observations{Text: e.String()}
	numbers := map[string]int{}
	plan, err := observed.Compile(e, func(o *pattern.Observation) int {
		x := p.tests[o]
		text := x.String()
		n, known := numbers[text]
		if !known {
			n = len(several.Parts)
			numbers[text] = n
			several.Parts = append(several.Parts, x)
		}
		return n
	})
	if err != nil {
		p.refuse(p.id, err.Error())
		return
	}
	if several.Plan = plan; len(p.c.Indicators) >= maxIndicators {
		p.refuse(p.id, "there are too many indicators")
		return
	}
	p.report.Counts[Several]++
	p.c.Indicators = append(p.c.Indicators, Indicator{ID: p.id, Several: several, About: p.about})
}

// unshown is the reason why no evidence can show what a comparison asks.
type unshown struct{ error }

// refuseFor tells of what is not used, and whether that is because evidence never shows it.
func (r *reader) refuseFor(id, what string, err error) {
	told := len(r.c.Rejected)
	r.refuse(id, what+err.Error())
	var never unshown
	if errors.As(err, &never) && len(r.c.Rejected) > told {
		r.c.Rejected[told].Unshown = true
	}
}
