package jsonlog

import (
	"bytes"
	"io"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// BenchmarkRead measures bytes of JSON read a second on one core, stream and decoder together, and rows a second: every
// field, some twenty fields that rules ask for, and nothing but counting.
func BenchmarkRead(b *testing.B) {
	some := event.Want{Fields: []string{"Channel", "CommandLine", "DestinationIp", "EventID", "GrantedAccess", "Hashes", "Image", "ImageLoaded",
		"NewProcessName", "OriginalFileName", "ParentCommandLine", "ParentImage", "PipeName", "Provider_Name", "QueryName",
		"ScriptBlockText", "ServiceName", "SourceImage", "TargetFilename", "TargetImage", "TargetObject", "User"}}
	for _, file := range []struct{ name, path string }{
		{"nxlog", "winlog-json/otrf/atomic/windows/credential_access/empire_dcsync_dcerpc_drsuapi_DsGetNCChanges_2020-09-21185829.json.gz"},
		{"winlogbeat6", "winlog-json/otrf/atomic/windows/defense_evasion/empire_enable_rdp_2019-05-18203650.json.gz"},
		{"zeek", "zeek/wrccdc-2018/zeek-json/dns.json.gz"},
	} {
		text, err := io.ReadAll(open(b, require.Data(b, file.path)))
		if err != nil {
			b.Fatal(err)
		}
		for len(text) < 32<<20 {
			text = append(text, text...)
		}
		for _, w := range []struct {
			name string
			want event.Want
		}{{"all", event.Want{All: true}}, {"some", some}, {"none", event.Want{}}} {
			b.Run(file.name+"/"+w.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				rows := 0
				for b.Loop() {
					g := &gather{}
					if err := read(event.File{Name: "x", Body: bytes.NewReader(text)}, event.Always(func(event.Source) event.Want { return w.want }), g); err != nil {
						b.Fatal(err)
					}
					rows += g.rows
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
