package jsonlog

import (
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/event"
)

// TestOtherSources holds one record of each log that is not Windows', with the field names of the vendor's documentation.
func TestOtherSources(t *testing.T) {
	const at = "2024-03-05T09:15:22Z"
	for _, c := range []struct {
		file, text string
		product    string
		service    string
	}{
		{"", `{"Records":[{"eventVersion":"1.08","eventTime":"` + at + `","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"x","requestParameters":{"bucketName":"b"}}]}`, "aws", "cloudtrail"},
		{"", `{"_path":"conn","ts":"` + at + `","uid":"C1","id.orig_h":"192.0.2.1"}`, "zeek", "conn"},
		{"logs/NASHUA_conn.20_00.log", `{"ts":1709630122,"uid":"C1","id_orig_h":"192.0.2.1"}`, "zeek", "conn"},
		{"x", `{"@stream":"dns","ts":1709630122.0,"uid":"C1"}`, "zeek", "dns"},
		{"x", `{"ts":1709630122.0,"uid":"C1","id.orig_h":"192.0.2.1","conn_state":"SF"}`, "zeek", "conn"},
		{"", `{"timestamp":"2024-03-05T10:15:22.000000+0100","flow_id":1,"event_type":"alert","src_ip":"192.0.2.1","alert":{"signature_id":1}}`, "suricata", "alert"},
		{"", `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"x","stage":"ResponseComplete","verb":"get","requestURI":"/","requestReceivedTimestamp":"` + at + `"}`, "kubernetes", "audit"},
		{"", `{"protoPayload":{"methodName":"m"},"insertId":"i","logName":"l","timestamp":"` + at + `"}`, "gcp", "gcp.audit"},
		{"", `{"kind":"admin#reports#activity","id":{"time":"` + at + `","applicationName":"login"},"actor":{"email":"e"},"events":[{"name":"n"}]}`, "gcp", "google_workspace.login"},
		{"", `{"actor":{"id":"x"},"eventType":"user.session.start","displayMessage":"m","outcome":{"result":"SUCCESS"},"published":"` + at + `"}`, "okta", "okta"},
		{"", `{"@timestamp":1709630122000,"action":"repo.destroy","actor":"a","org":"o","_document_id":"d"}`, "github", "audit"},
		{"", `{"timestamp":"` + at + `","auditType":{"category":"Projects","action":"Project deleted"}}`, "bitbucket", "audit"},
		{"", `{"event_type_id":5,"account_id":1,"created_at":"` + at + `"}`, "onelogin", "onelogin.events"},
		{"", `{"logtype":4002,"node_id":"n","src_host":"192.0.2.1","utc_time":"2024-03-05 09:15:22.000000"}`, "opencanary", ""},
		{"", `{"CreationTime":"2024-03-05T09:15:22","Operation":"MailItemsAccessed","RecordType":50,"Workload":"Exchange","UserId":"u"}`, "m365", "exchange"},
		{"", `{"RecordType":50,"CreationDate":"` + at + `","Operations":"Add","AuditData":"{\"CreationTime\":\"2024-03-05T09:15:22\",\"Workload\":\"AzureActiveDirectory\",\"Operation\":\"Add\"}"}`, "m365", "audit"},
		{"", `{"Timestamp":"` + at + `","DeviceName":"d","ActionType":"ProcessCreated"}`, "m365", "defender"},
		{"", `{"value":[{"createdDateTime":"` + at + `","userPrincipalName":"u","appDisplayName":"a"}]}`, "azure", "signinlogs"},
		{"", `{"time":"` + at + `","resourceId":"r","operationName":"Sign-in activity","category":"SignInLogs","properties":{"x":1}}`, "azure", "signinlogs"},
		{"", `{"time":"` + at + `","resourceId":"r","operationName":"o","category":"Administrative","properties":{"x":1}}`, "azure", "activitylogs"},
		{"", `{"activityDateTime":"` + at + `","activityDisplayName":"Add user","category":"UserManagement"}`, "azure", "auditlogs"},
		{"", `{"eventTimestamp":"` + at + `","operationName":{"value":"o"},"caller":"c"}`, "azure", "activitylogs"},
		{"", `{"riskEventType":"leakedCredentials","riskLevel":"high","detectedDateTime":"` + at + `"}`, "azure", "riskdetection"},
		{"", `{"message":"hello","host":{"name":"h"},"@timestamp":"` + at + `"}`, "", "json"},
	} {
		f := event.File{Name: c.file, Body: strings.NewReader(c.text)}
		rows, damage := readRows(t, f, event.Everything())
		if len(rows) != 1 || len(damage) > 0 {
			t.Errorf("%s: %d rows, %v", c.text, len(rows), damage)
			continue
		}
		if s := rows[0].source; s.Product != c.product || s.Service != c.service {
			t.Errorf("%s: is %v, want %s/%s", c.text, s, c.product, c.service)
		}
		if want := time.Date(2024, 3, 5, 9, 15, 22, 0, time.UTC).UnixNano(); rows[0].time != want {
			t.Errorf("%s: time %v", c.text, time.Unix(0, rows[0].time).UTC())
		}
	}
	rows, _ := rowsOf(t, `{"Records":[{"eventSource":"s","eventName":"n","awsRegion":"r","requestParameters":{"bucketName":"b"}}]}`)
	if rows[0].fields["requestParameters.bucketName"][0] != "b" {
		t.Errorf("%v", rows[0].fields)
	}
	rows, _ = rowsOf(t, `{"ts":1,"uid":"C","id_orig_h":"192.0.2.1"}`)
	if rows[0].fields["id.orig_h"][0] != "192.0.2.1" {
		t.Errorf("%v", rows[0].fields)
	}
}

func TestTimes(t *testing.T) {
	base := time.Date(2020, 9, 20, 12, 16, 8, 0, time.UTC).UnixNano()
	for text, want := range map[string]int64{
		"2020-09-20 12:16:08": base, "2020-09-20T12:16:08Z": base, "2020-09-20T14:16:08+02:00": base, "2020-09-20T14:16:08.5+0200": base + 5e8,
		"2020/09/20 12:16:08,250": base + 25e7, "2020-09-20T12:16:08.1234567890Z": base + 123456789, "1600604168": base, "1600604168.5": base + 5e8,
		"1600604168123": base + 123e6, "1600604168123456": base + 123456e3, "1600604168123456789": base + 123456789, "1.600604168e9": base,
		"132450777680000000": base, "/Date(1600604168000)/": base, "/Date(1600604168000+0200)/": base, "9/20/2020 12:16:08 PM": base,
		"Sun Sep 20 12:16:08 2020": base, "2020-09-20 12:16": base - 8e9, "2020-09-20T12:16:08 UTC": base, "20/Sep/2020:14:16:08 +0200": base,
		"-1": -1e9, "2020-02-31 00:00:00": event.NoTime, "0001-01-01T00:00:00Z": event.NoTime, "99999999999999999999": event.NoTime, "": event.NoTime,
		"soon": event.NoTime, "2020-13-01 00:00:00": event.NoTime, "12:16:08": event.NoTime, "/Date(x)/": event.NoTime, "1.5.5": event.NoTime,
	} {
		got, _, ok := instant([]byte(text))
		if !ok {
			got = event.NoTime
		}
		if got != want {
			t.Errorf("%q is %v (%d), want %d", text, time.Unix(0, got).UTC(), got, want)
		}
	}
}

func TestZoneAndOffset(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	local := time.Date(2024, 3, 5, 9, 15, 22, 0, zone).UnixNano()
	for _, text := range []string{`{"time":"2024-03-05 09:15:22"}`, `{"time":"2024-03-05T07:15:22Z"}`} {
		f := event.File{Name: "x", Body: strings.NewReader(text), Hints: event.Hints{Zone: zone, Offset: time.Minute, Host: "hinted"}}
		rows, _ := readRows(t, f, event.Everything())
		if rows[0].time != local+int64(time.Minute) || rows[0].host != "hinted" {
			t.Errorf("%s: %v", text, rows[0])
		}
	}
}

// TestSystemFields holds the renderings of the System element that shippers write.
func TestSystemFields(t *testing.T) {
	for text, want := range map[string]string{
		`"Keywords":"0x8020000000000000"`:                        "Keywords=0x8020000000000000",
		`"Keywords":-9214364837600034816`:                        "Keywords=0x8020000000000000",
		`"Keywords":"Audit Failure"`:                             "Keywords=0x8010000000000000",
		`"Keywords":["Audit Success","Classic"]`:                 "Keywords=0x80a0000000000000",
		`"Keywords":["Nobody knows"]`:                            "Keywords=Nobody knows",
		`"Level":"Information"`:                                  "Level=0",
		`"Level":"Warning"`:                                      "Level=3",
		`"Opcode":"Info"`:                                        "Opcode=0",
		`"Opcode":"Unheard","OpcodeValue":7`:                     "Opcode=7",
		`"UserID":null`:                                          "Security_UserID=\x00",
		`"Computer":"","Hostname":"b"`:                           "Computer=b",
		`"ActivityID":"a1b2c3d4-0000-0000-0000-00000000000f"`:    "Correlation_ActivityID={A1B2C3D4-0000-0000-0000-00000000000F}",
		`"ProcessGuid":"{a1b2c3d4-0000-0000-0000-00000000000f}"`: "ProcessGuid={A1B2C3D4-0000-0000-0000-00000000000F}",
		`"Text":"in a1b2c3d4-0000-0000-0000-00000000000f"`:       "Text=in a1b2c3d4-0000-0000-0000-00000000000f",
		`"host":"collector"`:                                     "Computer=",
	} {
		rows, damage := rowsOf(t, `{"Channel":"Security","EventID":4688,`+text+`}`)
		field, value, _ := strings.Cut(want, "=")
		if len(rows) != 1 || len(damage) > 0 || strings.Join(rows[0].fields[field], ",") != value {
			t.Errorf("%s: %q, want %q, %v", text, rows[0].fields, want, damage)
		}
	}
	rows, _ := rowsOf(t, `{"Channel":"System","EventID":1073748860,"Computer":"h"}`)
	if r := rows[0]; r.source.ID != 7036 || r.fields["EventID"][0] != "7036" || r.fields["EventID_Qualifiers"][0] != "16384" {
		t.Errorf("qualifiers: %v", r)
	}
}
