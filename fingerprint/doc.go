// Package fingerprint holds what identifies an intrusion wherever it goes: indicators, habits, the rules that look for them, and the
// signed package in which it leaves.
//
// It promises that an item says where it came from, how unlikely it is elsewhere and who approved it; that nothing of the victim –
// hosts, internal addresses, accounts, persons – enters it; that a signed fingerprint is used only when enough trusted keys signed
// exactly it and its time has come and not gone; and that every rule it makes is plain Sigma.
//
// It refuses rules that would match everything, and it does not guess how rare something is: what was counted nowhere has no weight
// but that of a key which cannot be shared by chance.
package fingerprint
