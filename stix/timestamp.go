package stix

import (
	"fmt"
	"time"
)

// Timestamp is an instant in UTC that remembers how many digits of the second it was written with, since
// 12:00:00Z and 12:00:00.000Z are the same instant but not the same bytes, and ids are made from bytes.
type Timestamp struct {
	t    time.Time
	text string
}

// At is t in UTC with milliseconds, the precision `created` and `modified` are compared with (section 3.6).
func At(t time.Time) Timestamp {
	t = t.UTC().Truncate(time.Millisecond)
	return Timestamp{t, t.Format("2006-01-02T15:04:05.000Z")}
}

// ParseTimestamp reads YYYY-MM-DDTHH:mm:ss[.s+]Z and nothing else: STIX allows no other zone (section 2.16).
func ParseTimestamp(s string) (Timestamp, error) {
	bad := func() (Timestamp, error) {
		return Timestamp{}, fmt.Errorf("stix: %.60q is not a timestamp of the form YYYY-MM-DDTHH:mm:ss[.s]Z", s)
	}
	if len(s) < 20 || len(s) > 40 || s[10] != 'T' || s[len(s)-1] != 'Z' || (s[19] != 'Z' && s[19] != '.') || (s[19] == '.' && len(s) == 21) {
		return bad()
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return bad()
	}
	return Timestamp{t, s}, nil
}

// Time is the instant, to the nanosecond.
func (t Timestamp) Time() time.Time { return t.t }

// IsZero tells whether the timestamp is absent.
func (t Timestamp) IsZero() bool { return t.text == "" }

// String is the text as read or as [At] wrote it; empty when absent.
func (t Timestamp) String() string { return t.text }

// Before and After compare instants, whatever digits they were written with.
func (t Timestamp) Before(u Timestamp) bool { return t.t.Before(u.t) }

// After tells whether t is later than u.
func (t Timestamp) After(u Timestamp) bool { return t.t.After(u.t) }
