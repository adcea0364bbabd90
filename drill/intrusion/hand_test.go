package intrusion

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// TestHandsHaveNoHabitInCommon: were two hands alike in a habit, kinship by habits could not be measured.
func TestHandsHaveNoHabitInCommon(t *testing.T) {
	all := Hands(rand.New(rand.NewPCG(1, 1)))
	for i, a := range all {
		for _, b := range all[:i] {
			va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
			for f := range va.NumField() {
				name := va.Type().Field(f).Name
				if name == "Weekends" || name == "Volume" {
					continue
				}
				if reflect.DeepEqual(va.Field(f).Interface(), vb.Field(f).Interface()) {
					t.Errorf("two hands have the same %s: %v", name, va.Field(f).Interface())
				}
			}
			for _, line := range a.Discovery {
				for _, other := range b.Discovery {
					if line == other {
						t.Errorf("two hands ask %q", line)
					}
				}
			}
		}
	}
}

func TestKitsHaveNoValueInCommon(t *testing.T) {
	r, taken := rand.New(rand.NewPCG(1, 2)), Names{}
	seen := map[string]bool{}
	for range 20 {
		k := NewKit(r, taken)
		v := reflect.ValueOf(k)
		for f := range v.NumField() {
			name := v.Type().Field(f).Name
			if name == "Shown" || name == "Lure" || name == "Certificate" || name == "Page" || name == "URI" || name == "Pipe" {
				continue // made of words of which each is drawn once or not told as indicators
			}
			value := v.Field(f).String()
			if seen[value] {
				t.Errorf("%s %q was drawn twice", name, value)
			}
			seen[value] = true
		}
	}
}

func TestHandWorksInItsHoursOnly(t *testing.T) {
	late := Hand{Opens: 20, Closes: 2}
	for hour, want := range map[int]bool{19: false, 20: true, 23: true, 1: true, 2: false} {
		if got := late.Works(time.Date(2026, 3, 17, hour, 30, 0, 0, time.UTC)); got != want {
			t.Errorf("%d o'clock: %t", hour, got)
		}
	}
	if late.Works(time.Date(2026, 3, 14, 21, 0, 0, 0, time.UTC)) {
		t.Error("it works on a Saturday")
	}
}
