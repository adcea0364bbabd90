package stix

import (
	"strings"
	"testing"
)

// Each object breaks one rule, in the place named; MUSTs unless marked "should".
func TestValidateFinds(t *testing.T) {
	const uuid = "28bb3599-77cd-4a82-a950-b5bc3caf07c4"
	head := func(typ string) string {
		return `"type":"` + typ + `","spec_version":"2.1","id":"` + typ + `--` + uuid + `","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z"`
	}
	sco := func(typ string) string { return `"type":"` + typ + `","id":"` + typ + `--` + uuid + `"` }
	name := `,"name":"n"`
	ref := func(typ string) string { return `"` + typ + `--` + uuid + `"` }
	span := func(a, b string) string {
		return `,"` + a + `":"2020-01-02T00:00:00Z","` + b + `":"2020-01-01T00:00:00Z"`
	}
	cases := []struct{ object, path string }{
		{`"type":"tool","spec_version":"2.1","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"n"`, "id"},
		{`"type":"tool","id":"tool--1","spec_version":"2.1","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"n"`, "id"},
		{strings.Replace(head("tool"), "tool--", "malware--", 1) + name, "id"},
		{strings.Replace(head("tool"), "4a82-a950", "4a82-2950", 1) + name, "id"},
		{strings.Replace(head("tool"), "2.1", "2.2", 1) + name, "spec_version"},
		{strings.Replace(head("tool"), `"modified":"2020`, `"modified":"2019`, 1) + name, "modified"},
		{head("tool"), "name"}, {head("tool") + `,"name":""`, "name"}, {head("tool") + `,"name":5`, "name"},
		{head("tool") + name + `,"labels":[]`, "labels"},
		{head("tool") + name + `,"confidence":101`, "confidence"}, {head("tool") + name + `,"confidence":1.5`, "confidence"},
		{head("tool") + name + `,"lang":"e"`, "lang"},
		{head("tool") + name + `,"created_by_ref":` + ref("tool"), "created_by_ref"},
		{head("tool") + name + `,"object_marking_refs":[` + ref("tool") + `]`, "object_marking_refs.[0]"},
		{head("tool") + name + `,"external_references":[{"source_name":"x"}]`, "external_references.[0]"},
		{head("tool") + name + `,"external_references":[{"description":"x"}]`, "external_references.[0].source_name"},
		{head("tool") + name + `,"external_references":[{"source_name":"x","url":"not a url"}]`, "external_references.[0].url"},
		{head("tool") + name + `,"external_references":[{"source_name":"cve","external_id":"2020-1"}]`, "external_references.[0].external_id"},
		{head("tool") + name + `,"external_references":[{"source_name":"x","url":"https://x.example","hashes":{"MD5":"00"}}]`, "external_references.[0].hashes.MD5"},
		{head("tool") + name + `,"granular_markings":[{"selectors":["name"]}]`, "granular_markings.[0]"},
		{head("tool") + name + `,"granular_markings":[{"lang":"en","selectors":["labels.[0]"]}]`, "granular_markings.[0].selectors.[0]"},
		{head("tool") + name + `,"granular_markings":[{"lang":"en","selectors":["name.[x]"]}]`, "granular_markings.[0].selectors.[0]"},
		{head("tool") + name + `,"granular_markings":[{"lang":"en","marking_ref":` + ref("marking-definition") + `,"selectors":["name"]}]`, "granular_markings.[0]"},
		{head("tool") + name + `,"kill_chain_phases":[{"phase_name":"x"}]`, "kill_chain_phases.[0].kill_chain_name"},
		{head("tool") + name + `,"X":1`, "X"}, {head("tool") + name + `,"x_y":1`, "should x_y"},
		{head("tool") + name + `,"tool_types":["hammer"]`, "should tool_types.[0]"},
		{head("tool") + name + `,"extensions":{"extension-definition--1":{"extension_type":"property-extension"}}`, "extensions.extension-definition--1"},
		{head("tool") + name + `,"extensions":{"pdf-ext":{"version":"1"}}`, "extensions.pdf-ext"},
		{head("campaign") + name + span("first_seen", "last_seen"), "last_seen"},
		{head("infrastructure") + name + span("first_seen", "last_seen"), "last_seen"},
		{head("intrusion-set") + name + span("first_seen", "last_seen"), "last_seen"},
		{head("threat-actor") + name + span("first_seen", "last_seen"), "last_seen"},
		{head("malware") + name + `,"is_family":true` + span("first_seen", "last_seen"), "last_seen"},
		{head("malware") + name, "is_family"}, {head("malware") + `,"is_family":true`, "name"},
		{head("malware") + name + `,"is_family":false,"sample_refs":[` + ref("url") + `]`, "sample_refs.[0]"},
		{head("malware-analysis") + `,"product":"p"`, ""},
		{head("malware-analysis") + `,"product":"p","result":"benign"` + span("analysis_started", "analysis_ended"), "analysis_ended"},
		{head("indicator") + `,"pattern":"[a:b = 1]","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z","valid_until":"2020-01-01T00:00:00.000Z"`, "valid_until"},
		{head("indicator") + `,"pattern":"[a:b = ]","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"`, "pattern"},
		{head("grouping") + `,"object_refs":[` + ref("tool") + `]`, "context"}, {head("note") + `,"content":"x"`, "object_refs"},
		{head("opinion") + `,"opinion":"maybe","object_refs":[` + ref("tool") + `]`, "opinion"},
		{head("report") + name + `,"object_refs":[` + ref("tool") + `]`, "published"},
		{head("location") + name, ""}, {head("location") + `,"latitude":91,"longitude":0`, "latitude"}, {head("location") + `,"region":"africa","latitude":1`, "latitude"},
		{head("location") + `,"region":"africa","precision":1`, "precision"}, {head("location") + `,"region":"atlantis"`, "should region"},
		{head("observed-data") + `,"number_observed":1,"object_refs":[` + ref("url") + `]` + span("first_observed", "last_observed"), "last_observed"},
		{head("observed-data") + `,"number_observed":0,"object_refs":[` + ref("url") + `],"first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z"`, "number_observed"},
		{head("observed-data") + `,"number_observed":1,"object_refs":[` + ref("tool") + `],"first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z"`, "object_refs.[0]"},
		{head("observed-data") + `,"number_observed":1,"first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z"`, "object_refs"},
		{head("relationship") + `,"relationship_type":"uses","source_ref":` + ref("campaign") + `,"target_ref":` + ref("sighting"), "target_ref"},
		{head("relationship") + `,"relationship_type":"Uses","source_ref":` + ref("campaign") + `,"target_ref":` + ref("tool"), "relationship_type"},
		{head("relationship") + `,"relationship_type":"mitigates","source_ref":` + ref("campaign") + `,"target_ref":` + ref("tool"), "should relationship_type"},
		{head("relationship") + `,"relationship_type":"duplicate-of","source_ref":` + ref("campaign") + `,"target_ref":` + ref("tool"), "target_ref"},
		{head("relationship") + `,"relationship_type":"uses","source_ref":` + ref("campaign") + `,"target_ref":` + ref("tool") + span("start_time", "stop_time"), "stop_time"},
		{head("sighting") + `,"sighting_of_ref":` + ref("ipv4-addr"), "sighting_of_ref"},
		{head("sighting") + `,"sighting_of_ref":` + ref("relationship"), "sighting_of_ref"},
		{head("sighting") + `,"count":-1,"sighting_of_ref":` + ref("tool"), "count"},
		{head("sighting") + `,"where_sighted_refs":[` + ref("tool") + `],"sighting_of_ref":` + ref("tool"), "where_sighted_refs.[0]"},
		{head("sighting") + `,"sighting_of_ref":` + ref("tool") + span("first_seen", "last_seen"), "last_seen"},
		{head("marking-definition") + `,"definition_type":"statement","definition":{"statement":"x"}`, "modified"},
		{sco("marking-definition") + `,"created":"2020-01-01T00:00:00Z"`, "definition"},
		{sco("marking-definition") + `,"created":"2020-01-01T00:00:00Z","definition_type":"tlp","definition":{"tlp":"red"}`, "id"},
		{sco("marking-definition") + `,"created":"2020-01-01T00:00:00Z","extensions":{"` + TLP2Extension + `":{"extension_type":"property-extension","tlp_2_0":"red"}}`, "id"},
		{head("language-content") + `,"object_ref":` + ref("tool") + `,"contents":{"not a tag":{"name":"x"}}`, "contents.not a tag"},
		{head("extension-definition") + name + `,"schema":"s","version":"1.0.0","extension_types":["new-sdo"]`, "created_by_ref"},
		{head("extension-definition") + name + `,"created_by_ref":` + ref("identity") + `,"schema":"s","version":"1.0.0","extension_types":["new-sdo"],"extension_properties":["x_y"]`, "extension_properties"},
		{head("impact") + `,"impact_category":"external-ext","extensions":{"external-ext":{"impact_type":"economic"}}`, "extensions"},
		{head("impact") + `,"impact_category":"external-ext","extensions":{"` + ImpactExtension + `":{"extension_type":"new-sdo"}}`, "extensions"},
		{head("impact") + `,"impact_category":"confidentiality","extensions":{"` + ImpactExtension + `":{"extension_type":"new-sdo"},"confidentiality":{"loss_type":"confirmed-loss"}}`, "extensions.confidentiality.information_type"},
		{head("impact") + `,"impact_category":"confidentiality-ext","extensions":{"` + ImpactExtension + `":{"extension_type":"new-sdo"},"confidentiality-ext":{"loss_type":"none","record_count":-1}}`, "extensions.confidentiality-ext.record_count"},
		{head("incident") + name + `,"extensions":{"` + IncidentCoreExtension + `":{"extension_type":"property-extension","determination":"perhaps","investigation_status":"open"}}`, "extensions." + IncidentCoreExtension + ".determination"},
		{sco("artifact"), "payload_bin"}, {sco("artifact") + `,"url":"https://x.example"`, "hashes"}, {sco("artifact") + `,"payload_bin":"?"`, "payload_bin"},
		{sco("artifact") + `,"payload_bin":"eA==","decryption_key":"k"`, "decryption_key"},
		{sco("file"), ""}, {sco("file") + `,"size":-1,"name":"n"`, "size"}, {sco("file") + `,"magic_number_hex":"abc","name":"n"`, "magic_number_hex"},
		{sco("process"), ""}, {sco("user-account"), ""}, {sco("windows-registry-key"), ""}, {sco("x509-certificate"), ""},
		{sco("windows-registry-key") + `,"key":"HKLM\\x"`, "key"},
		{strings.Replace(sco("process"), "4a82", "5a82", 1) + `,"pid":1`, "id"},
		{strings.Replace(sco("ipv4-addr"), "4a82", "5a82", 1) + `,"value":"198.51.100.4"`, "should id"},
		{sco("ipv4-addr") + `,"value":"198.51.100.256"`, "value"}, {sco("ipv4-addr") + `,"value":"::1"`, "value"}, {sco("ipv6-addr") + `,"value":"198.51.100.3/8"`, "value"},
		{sco("mac-addr") + `,"value":"02-00-5e-10-00-01"`, "value"},
		{sco("network-traffic") + `,"protocols":["tcp"]`, ""}, {sco("network-traffic") + `,"src_ref":` + ref("ipv4-addr"), "protocols"},
		{sco("network-traffic") + `,"protocols":["tcp"],"src_port":65536,"src_ref":` + ref("ipv4-addr"), "src_port"},
		{sco("network-traffic") + `,"protocols":["tcp"],"is_active":true,"end":"2020-01-01T00:00:00Z","src_ref":` + ref("ipv4-addr"), "end"},
		{sco("network-traffic") + `,"protocols":["tcp"],"src_ref":` + ref("ipv4-addr") + span("start", "end"), "end"},
		{sco("email-message"), "is_multipart"}, {sco("email-message") + `,"is_multipart":true,"body":"x"`, "body"},
		{sco("email-message") + `,"is_multipart":false,"body_multipart":[{"body":"x"}]`, "body_multipart"},
		{sco("directory") + `,"path":"/","contains_refs":[` + ref("url") + `]`, "contains_refs.[0]"},
		{sco("url") + `,"value":"example.org"`, "value"},
		{`"type":"X","id":"X--` + uuid + `"`, "type"},
	}
	for _, c := range cases {
		want, severity := strings.TrimPrefix(c.path, "should "), Must
		if want != c.path {
			severity = Should
		}
		o, err := Unmarshal([]byte("{" + c.object + "}"))
		if err != nil {
			t.Errorf("%s: %v", c.object, err)
			continue
		}
		found := false
		problems := Validate(o)
		for _, p := range problems {
			found = found || p.Path == want && p.Severity == severity
		}
		if !found {
			t.Errorf("{%s}\nnothing at %q: %v", c.object, want, problems)
		}
	}
}

func TestValidateBundleFindsWhatOnlyTogetherIsWrong(t *testing.T) {
	a := &Campaign{Common: common("campaign", "b"), Name: "one"}
	b := Clone(a).(*Campaign)
	b.Name = "two"
	if len(Errors(ValidateBundle(&Bundle{Objects: []Object{a, b}}))) == 0 {
		t.Error("two contents of one version")
	}
	if p := ValidateBundle(&Bundle{ID: "bundle--1", Objects: []Object{a}}); len(Errors(p)) != 1 || len(p) != 2 {
		t.Error(p)
	}
}
