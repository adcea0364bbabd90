package attribution

import (
	"fmt"
	"strings"
)

// Likelihood is an expression of ICD 203 (2 January 2015, section D.6.e.2.a) with its range in percent.
type Likelihood struct {
	Expression string `json:"expression"`
	Percent    [2]int `json:"percent"`
}

// likelihoods holds both rows of expressions of ICD 203.
var likelihoods = []struct {
	words   []string
	percent [2]int
}{
	{[]string{"almost no chance", "remote"}, [2]int{1, 5}},
	{[]string{"very unlikely", "highly improbable"}, [2]int{5, 20}},
	{[]string{"unlikely", "improbable"}, [2]int{20, 45}},
	{[]string{"roughly even chance", "roughly even odds"}, [2]int{45, 55}},
	{[]string{"likely", "probable"}, [2]int{55, 80}},
	{[]string{"very likely", "highly probable"}, [2]int{80, 95}},
	{[]string{"almost certain", "nearly certain"}, [2]int{95, 99}},
}

// LikelihoodOf gives the range of an expression of ICD 203.
func LikelihoodOf(expression string) (Likelihood, error) {
	var all []string
	for _, l := range likelihoods {
		for _, w := range l.words {
			if w == expression {
				return Likelihood{w, l.percent}, nil
			}
		}
		all = append(all, l.words[0])
	}
	return Likelihood{}, fmt.Errorf("the likelihood %q is not an expression of ICD 203 (%s)", expression, strings.Join(all, ", "))
}
