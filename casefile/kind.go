package casefile

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Role is what a person may do in a case.
type Role string

const (
	Lead    Role = "lead"    // everything, and only a lead grants roles, seals and names
	Analyst Role = "analyst" // evidence, imports, judgements, claims
	Liaison Role = "liaison" // contacts, consent, hand-overs, releases
	Reader  Role = "reader"  // nothing is written
)

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case Lead, Analyst, Liaison, Reader:
		return r, nil
	}
	return "", fmt.Errorf("casefile: %.40q is not a role (lead, analyst, liaison, reader)", s)
}

// Kind is the kind of an entry. docs/formats/casefile.md lists what each means.
type Kind string

const (
	CaseOpened   Kind = "case.opened"
	CaseSealed   Kind = "case.sealed"
	CaseReopened Kind = "case.reopened"
	CaseExported Kind = "case.exported"

	RoleGranted      Kind = "role.granted"
	RoleRevoked      Kind = "role.revoked"
	MemberAdded      Kind = "member.added"
	ConsentGiven     Kind = "consent.given"
	ConsentWithdrawn Kind = "consent.withdrawn"

	IntakeReported   Kind = "intake.reported"
	EvidenceReceived Kind = "evidence.received"
	CustodyPassed    Kind = "custody.passed"
	EvidenceViewed   Kind = "evidence.viewed"

	SweepImported       Kind = "sweep.imported"
	TrailImported       Kind = "trail.imported"
	FingerprintImported Kind = "fingerprint.imported"
	KinshipImported     Kind = "kinship.imported"
	ExposureImported    Kind = "exposure.imported"
	AttributionImported Kind = "attribution.imported"
	STIXImported        Kind = "stix.imported"
	DocumentImported    Kind = "document.imported"

	FindingJudged       Kind = "finding.judged"
	FingerprintApproved Kind = "fingerprint.approved"

	IncidentDescribed Kind = "incident.described"
	ClaimRecorded     Kind = "claim.recorded"
	HypothesisStated  Kind = "hypothesis.stated"
	EvidenceRated     Kind = "evidence.rated"
	AssessmentMade    Kind = "assessment.made"
	NamingDecided     Kind = "naming.decided"
	NumberStated      Kind = "number.stated"
	TextRecorded      Kind = "text.recorded"
	MilestoneRecorded Kind = "milestone.recorded"
	Note              Kind = "note"

	ReleaseProposed   Kind = "release.proposed"
	ReleaseChecked    Kind = "release.checked"
	ReleaseApproved   Kind = "release.approved"
	ReleaseMade       Kind = "release.made"
	ReleaseCorrected  Kind = "release.corrected"
	EmbargoSet        Kind = "embargo.set"
	EmbargoLifted     Kind = "embargo.lifted"
	EmbargoOverridden Kind = "embargo.overridden"

	HandoverSent     Kind = "handover.sent"
	HandoverReceived Kind = "handover.received"
	ReceiptReceived  Kind = "receipt.received"
)

// kindRule is what is known of a kind: the newest version of its detail, who may enter it, and, where the detail is this package's
// own, how it is checked. Packages above check theirs before they record it.
type kindRule struct {
	kind    Kind
	version int
	roles   []Role
	check   func(json.RawMessage) error
}

var (
	leads     = []Role{Lead}
	workers   = []Role{Lead, Analyst}
	contacts  = []Role{Lead, Liaison}
	everybody = []Role{Lead, Analyst, Liaison}
)

// kinds is the table of all kinds. A package that needs another adds its row here and in docs/formats/casefile.md.
var kinds = []kindRule{
	{CaseOpened, 1, leads, checks[Opened]},
	{CaseSealed, 1, leads, nil},
	{CaseReopened, 1, leads, nil},
	{CaseExported, 1, contacts, nil},
	{RoleGranted, 1, leads, checks[Grant]},
	{RoleRevoked, 1, leads, checks[Revocation]},
	{MemberAdded, 1, contacts, checks[MemberDetail]},
	{ConsentGiven, 1, contacts, checks[ConsentDetail]},
	{ConsentWithdrawn, 1, contacts, checks[WithdrawalDetail]},
	{IntakeReported, 1, everybody, checks[Intake]},
	{EvidenceReceived, 1, everybody, checks[Evidence]},
	{CustodyPassed, 1, everybody, checks[Custody]},
	{EvidenceViewed, 1, everybody, checks[View]},
	{SweepImported, 1, workers, checks[Import]},
	{TrailImported, 1, workers, checks[Import]},
	{FingerprintImported, 1, workers, checks[Import]},
	{KinshipImported, 1, workers, checks[Import]},
	{ExposureImported, 1, workers, checks[Import]},
	{AttributionImported, 1, workers, checks[Import]},
	{STIXImported, 1, workers, checks[Import]},
	{DocumentImported, 1, workers, checks[Import]},
	{FindingJudged, 1, workers, checks[Judgement]},
	{FingerprintApproved, 1, workers, nil},
	{IncidentDescribed, 1, everybody, nil},
	{ClaimRecorded, 1, everybody, nil},
	{HypothesisStated, 1, everybody, nil},
	{EvidenceRated, 1, everybody, nil},
	{AssessmentMade, 1, workers, nil},
	{NamingDecided, 1, leads, nil},
	{NumberStated, 1, everybody, checks[Number]},
	{TextRecorded, 1, everybody, checks[Text]},
	{MilestoneRecorded, 1, everybody, checks[Milestone]},
	{Note, 1, everybody, nil},
	{ReleaseProposed, 1, everybody, nil},
	{ReleaseChecked, 1, everybody, nil},
	{ReleaseApproved, 1, contacts, nil},
	{ReleaseMade, 1, contacts, nil},
	{ReleaseCorrected, 1, contacts, nil},
	{EmbargoSet, 1, contacts, nil},
	{EmbargoLifted, 1, contacts, nil},
	{EmbargoOverridden, 1, contacts, nil},
	{HandoverSent, 1, contacts, checks[HandoverDetail]},
	{HandoverReceived, 1, contacts, checks[HandoverDetail]},
	{ReceiptReceived, 1, contacts, checks[ReceiptDetail]},
}

func ruleOf(k Kind) (kindRule, bool) {
	if i := slices.IndexFunc(kinds, func(r kindRule) bool { return r.kind == k }); i >= 0 {
		return kinds[i], true
	}
	return kindRule{}, false
}

// May says whether a role may enter a kind. A kind from a later version may be entered there by anyone who writes at all.
func (r Role) May(k Kind) bool {
	if rule, ok := ruleOf(k); ok {
		return slices.Contains(rule.roles, r)
	}
	return slices.Contains(everybody, r)
}

// checks decodes a detail and lets it judge itself.
func checks[T interface{ check() error }](raw json.RawMessage) error {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return v.check()
}
