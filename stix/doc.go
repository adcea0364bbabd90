// Package stix holds STIX 2.1 objects: their structs, identifiers, canonical bytes, checks and bundles.
//
// It promises that the same object always becomes the same bytes (RFC 8785), that whatever it does not
// know – custom properties, custom objects, foreign extensions – comes out of a round trip as it went in,
// and that reading is bounded: an object larger or deeper than [Limits] is refused with its place, never
// held in memory.
//
// It refuses to guess: a value of the wrong JSON type is kept and reported by [Validate], not converted;
// it never fetches a reference, never invents a version of an object that somebody else created, and
// knows nothing of the rest of the product.
//
// The source is OASIS STIX Version 2.1 with Errata 01; section numbers in comments refer to it.
package stix
