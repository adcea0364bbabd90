package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEscapedJSONIsTheSameJSON(t *testing.T) {
	text := "a\u202eb\u009bc\u200bd\U000e0001e\U000f0000 é中\x7f"
	raw, err := json.MarshalIndent(map[string]string{"x": text}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got := escapedJSON(string(raw))
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["x"] != text || strings.ContainsAny(got, "\u202e\u009b\u200b\x7f") || !strings.Contains(got, "é中") {
		t.Errorf("%v %q", err, got)
	}
}
