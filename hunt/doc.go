// Package hunt goes from one victim to the others: it sweeps organisations and follows the intruder in each, judges who was entered by the
// same hand, and lets what the next victim teaches into the next version of the fingerprint, until a wave teaches nothing new.
//
// It promises that nothing becomes an item of a fingerprint unless a person or a written policy let it, that every item says which
// organisation taught it and in which wave, and that nothing internal to any of the organisations enters one. Only an organisation judged the same
// intrusion teaches; what matches where the intruder was not loses its weight. So a hunt cannot talk itself into more victims: what is
// learnt must be tied by records to what was known before, and common things weigh nothing.
//
// A hunt can be interrupted and goes on where it was. It changes nothing it reads and sends nothing anywhere.
package hunt
