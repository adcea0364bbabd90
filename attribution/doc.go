// Package attribution weighs who did it: everyone's claims side by side, and hypotheses against evidence.
//
// It promises that every number follows from the case by a rule written in docs/formats/claims.md: how much of the incident
// a claim's window covers, given how precisely either is known; how many independent roots the claims rest on; which
// hypothesis the evidence contradicts least, and the smallest change that would alter that; what is shared with known
// groups and how common each shared thing is.
//
// It refuses to name anyone. An assessment is a person's, with likelihood and confidence kept apart, and whether a name is
// given to an audience is a decision kept apart from both. A claim is never edited: another supersedes or disputes it.
// Overlap is evidence and never a verdict.
package attribution
