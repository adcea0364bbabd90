package attribution

// Case is what there is to weigh. [Load] reads one from a folder; others may fill it from elsewhere and call [Check].
type Case struct {
	Name       string
	Incident   Incident
	Sources    []Source
	Roots      []Root
	Claims     []Claim
	Hypotheses []Hypothesis
	Evidence   []Evidence
	Analysts   []Analyst
	Assessment *Assessment
	Naming     []NamingDecision
}

// Incident is what happened, as far as it is known.
type Incident struct {
	Title        string   `yaml:"title" json:"title"`
	Start        Date     `yaml:"start" json:"start"`       // of the intrusion; unknown more often than not
	Reported     Date     `yaml:"reported" json:"reported"` // the intruder was inside then
	End          Date     `yaml:"end" json:"end"`           // unknown: the report stands for it
	Public       []Dated  `yaml:"public" json:"public"`
	Sectors      []string `yaml:"sectors" json:"sectors"`
	Victims      []string `yaml:"victims" json:"victims"`
	Capabilities []string `yaml:"capabilities" json:"capabilities"`
	Techniques   []string `yaml:"techniques" json:"techniques,omitempty"` // ATT&CK ids
	Indicators   []string `yaml:"indicators" json:"indicators,omitempty"`
	Facts        []Fact   `yaml:"facts" json:"facts"`
}

// Dated is a date with who says so; sources that disagree are held beside each other.
type Dated struct {
	Date   Date   `yaml:"date" json:"date"`
	What   string `yaml:"what" json:"what,omitempty"`
	Source string `yaml:"source" json:"source"`
}

// Fact is one statement about the incident, by key, so that a claim can exclude it.
type Fact struct {
	Key    string `yaml:"key" json:"key"`
	Text   string `yaml:"text" json:"text"`
	Source string `yaml:"source" json:"source"`
	Quote  *Quote `yaml:"quote" json:"quote,omitempty"`
}

// Source is a publication.
type Source struct {
	ID        string `yaml:"id" json:"id"`
	Publisher string `yaml:"publisher" json:"publisher"`
	Title     string `yaml:"title" json:"title,omitempty"`
	Date      Date   `yaml:"date" json:"date"`
	URL       string `yaml:"url" json:"url,omitempty"`
	Language  string `yaml:"language" json:"language,omitempty"`
}

// Root is what evidence rests on in the end: a leak, somebody's own telemetry, a victim's statement. A root that rests on
// others (a report about a report) is replaced by them.
type Root struct {
	ID      string   `yaml:"id" json:"id"`
	Kind    string   `yaml:"kind" json:"kind"`
	What    string   `yaml:"what" json:"what"`
	RestsOn []string `yaml:"rests_on" json:"rests_on,omitempty"`
}

// Claim is what somebody has said about who did what. It is immutable; a later one supersedes or disputes it.
type Claim struct {
	ID           string        `yaml:"id" json:"id"`
	Claimant     Claimant      `yaml:"claimant" json:"claimant"`
	Published    []Dated       `yaml:"published" json:"published"` // more than one where sources disagree
	Venue        string        `yaml:"venue" json:"venue,omitempty"`
	Audience     Audience      `yaml:"audience" json:"audience"`
	Actor        Actor         `yaml:"actor" json:"actor"`
	Window       Window        `yaml:"window" json:"window"`
	WindowSource string        `yaml:"window_source" json:"window_source,omitempty"`
	Sectors      []string      `yaml:"sectors" json:"sectors,omitempty"`
	Victims      []string      `yaml:"victims" json:"victims,omitempty"`
	Capabilities []string      `yaml:"capabilities" json:"capabilities,omitempty"`
	Techniques   []string      `yaml:"techniques" json:"techniques,omitempty"`
	Excludes     []string      `yaml:"excludes" json:"excludes,omitempty"` // keys of facts it denies
	Evidence     []Cited       `yaml:"evidence" json:"evidence"`
	Confidence   OwnConfidence `yaml:"confidence" json:"confidence"`
	Supersedes   []string      `yaml:"supersedes" json:"supersedes,omitempty"`
	Disputes     []string      `yaml:"disputes" json:"disputes,omitempty"`
	Text         *Quote        `yaml:"text" json:"text,omitempty"`
	Notes        string        `yaml:"notes" json:"notes,omitempty"`

	file string
}

// Claimant is who claims. Kind is vendor, government, victim, court, media or leaked-document.
type Claimant struct {
	Name string `yaml:"name" json:"name"`
	Kind string `yaml:"kind" json:"kind"`
}

// Audience is who was told: public, private to a state, or a TLP level.
type Audience struct {
	To  string `yaml:"to" json:"to"`
	TLP string `yaml:"tlp" json:"tlp,omitempty"`
}

// Actor is who is accused. Kind is named, category (such as "an overseas intelligence agency"), withheld, none, or
// unrecorded where the case at hand does not hold what was asserted.
type Actor struct {
	Kind     string `yaml:"kind" json:"kind"`
	Name     string `yaml:"name" json:"name,omitempty"`
	Category string `yaml:"category" json:"category,omitempty"`
}

// Cited is evidence a claim cites, with its Admiralty grade (reliability A–F, credibility 1–6) and the roots it rests on.
type Cited struct {
	What  string   `yaml:"what" json:"what"`
	Grade string   `yaml:"grade" json:"grade"`
	Roots []string `yaml:"roots" json:"roots"`
}

// OwnConfidence is how sure the claimant was, on the claimant's scale; scales are not converted.
type OwnConfidence struct {
	Value string `yaml:"value" json:"value,omitempty"`
	Scale string `yaml:"scale" json:"scale,omitempty"`
}

// Quote is a text in its own language. Digest is the SHA-256 of Original; [Check] computes or compares it.
type Quote struct {
	Original    string `yaml:"original" json:"original"`
	Language    string `yaml:"language" json:"language"`
	Translation string `yaml:"translation" json:"translation,omitempty"`
	Translator  string `yaml:"translator" json:"translator,omitempty"`
	Digest      string `yaml:"digest" json:"digest"`
}

// Hypothesis is one answer. A residual one ("unknown actor", "false flag by X") is hardly ever inconsistent with anything
// and is shown without a rank.
type Hypothesis struct {
	ID       string `yaml:"id" json:"id"`
	Name     string `yaml:"name" json:"name"`
	Residual bool   `yaml:"residual" json:"residual"`
}

// Evidence is one item to rate hypotheses by. Credibility and Relevance are H, M or L.
type Evidence struct {
	ID          string   `yaml:"id" json:"id"`
	Text        string   `yaml:"text" json:"text"`
	Grade       string   `yaml:"grade" json:"grade"`
	Credibility string   `yaml:"credibility" json:"credibility"`
	Relevance   string   `yaml:"relevance" json:"relevance"`
	Roots       []string `yaml:"roots" json:"roots"`
	Source      string   `yaml:"source" json:"source,omitempty"`
}

// Analyst rates every item under every hypothesis: evidence id → hypothesis id → CC, C, N, I or II.
type Analyst struct {
	Name    string                       `yaml:"analyst" json:"name"`
	Ratings map[string]map[string]Rating `yaml:"ratings" json:"ratings"`
}

// Assessment is what the team believes. Level is technical-cluster, category or named-actor.
type Assessment struct {
	Level      string `yaml:"level" json:"level"`
	Subject    string `yaml:"subject" json:"subject"`
	Likelihood string `yaml:"likelihood" json:"likelihood"` // an ICD 203 expression
	Confidence string `yaml:"confidence" json:"confidence"` // low, moderate or high: in the basis, not in the outcome
	By         string `yaml:"by" json:"by"`
	Date       Date   `yaml:"date" json:"date"`
	Basis      string `yaml:"basis" json:"basis,omitempty"`
}

// NamingDecision says whether an audience is given a name. Withheld is a decision about disclosure, not a low confidence.
type NamingDecision struct {
	Audience string `yaml:"audience" json:"audience"`
	Decision string `yaml:"decision" json:"decision"` // named or withheld
	Name     string `yaml:"name" json:"name,omitempty"`
	By       string `yaml:"by" json:"by"`
	Date     Date   `yaml:"date" json:"date"`
	Reason   string `yaml:"reason" json:"reason,omitempty"`
}
