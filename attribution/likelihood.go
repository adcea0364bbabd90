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

// adverbs are the forms that ICD 203 has for use in a sentence.
var adverbs = map[string]string{"almost certainly": "almost certain", "nearly certainly": "nearly certain", "probably": "probable", "highly probably": "highly probable",
	"improbably": "improbable", "highly improbably": "highly improbable", "remotely": "remote"}

// LikelihoodOf gives the range of an expression of ICD 203, whatever its letter case, also as the adverb that ICD 203 gives beside it.
func LikelihoodOf(expression string) (Likelihood, error) {
	said := strings.ToLower(strings.Join(strings.Fields(expression), " "))
	var all []string
	for _, l := range likelihoods {
		for _, w := range l.words {
			if w == said || w == adverbs[said] {
				return Likelihood{w, l.percent}, nil
			}
		}
		all = append(all, l.words[0])
	}
	return Likelihood{}, fmt.Errorf("the likelihood %q is not an expression of ICD 203 (%s)", expression, strings.Join(all, ", "))
}
