//go:build unix

package evtx

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/contrail-ir/contrail/event"
	"github.com/contrail-ir/contrail/internal/require"
)

// counter is a sink that counts.
type counter struct{ rows, batches, damage int }

func (c *counter) Batch(b *event.Batch) error { c.rows += b.Rows; c.batches++; return nil }
func (c *counter) Damage(event.Damage)        { c.damage++ }

// benchmarkFile is the file named by EVTX_BENCH, or one put together from the real data: its dense chunks in shuffled
// order, 512 of them.
func benchmarkFile(b *testing.B) []byte {
	b.Helper()
	if name := require.Named(b, "EVTX_BENCH"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	const want = 512
	var dense [][]byte
	for _, name := range sharedFiles(b, "evtx-attack", "evtx-baseline") {
		data := require.Read(b, name)
		for at := fileHeaderSize; at+chunkSize <= len(data); at += chunkSize {
			c := data[at : at+chunkSize]
			free := int(le32(c[48:]))
			if plausibleChunk(c) && free >= 40960 && crc32.ChecksumIEEE(c[chunkHeaderSize:free]) == le32(c[52:]) {
				dense = append(dense, c)
			}
		}
	}
	r := rand.New(rand.NewPCG(7, 7))
	var chunks [][]byte
	for len(chunks) < want {
		r.Shuffle(len(dense), func(i, j int) { dense[i], dense[j] = dense[j], dense[i] })
		chunks = append(chunks, dense...)
	}
	return file(chunks[:want]...)
}

// cpuSeconds gives the time this process has computed.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func benchmark(b *testing.B, needs event.Needs) {
	data := benchmarkFile(b)
	f := New()
	d := f.Decoder()
	var c counter
	if err := decodeAll(f, d, bytes.NewReader(data), event.Hints{}, &needs, &c); err != nil {
		b.Fatal(err)
	}
	cpu := cpuSeconds()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	b.SetBytes(int64(len(data)))
	b.ResetTimer()
	for range b.N {
		c = counter{}
		if err := decodeAll(f, d, bytes.NewReader(data), event.Hints{}, &needs, &c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(c.rows)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(c.rows)*float64(b.N)/(cpuSeconds()-cpu), "records/cpu-s") // of use on a busy machine
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/float64(c.rows), "allocs/record")
}

func BenchmarkAll(b *testing.B) { benchmark(b, event.Everything()) }

func BenchmarkNothing(b *testing.B) {
	benchmark(b, event.Always(func(event.Source) event.Want { return event.Want{} }))
}

// sigmaFields are fields that public Sigma rules for Windows name often.
var sigmaFields = []string{
	"AccessMask", "AccountName", "Action", "AttributeLDAPDisplayName", "AuthenticationPackageName", "CallTrace", "Channel",
	"CommandLine", "Company", "ContextInfo", "CurrentDirectory", "Data", "Description", "DestinationHostname", "DestinationIp",
	"DestinationIsIpv6", "DestinationPort", "Details", "EventID", "EventType", "FileName", "FileVersion", "GrantedAccess",
	"Hashes", "Image", "ImageLoaded", "ImagePath", "Imphash", "Initiated", "IntegrityLevel", "IpAddress", "KeyLength",
	"LogonId", "LogonProcessName", "LogonType", "NewProcessName", "ObjectName", "ObjectType", "ObjectValueName", "OriginalFileName",
	"ParentCommandLine", "ParentImage", "ParentProcessName", "ParentUser", "Path", "Payload", "PipeName", "PrivilegeList",
	"ProcessName", "Product", "Provider_Name", "QueryName", "QueryResults", "QueryStatus", "RelativeTargetName",
	"ScriptBlockText", "ServiceFileName", "ServiceName", "ShareName", "Signature", "SignatureStatus", "Signed", "SourceImage",
	"StartModule", "Status", "SubjectUserName", "SubjectUserSid", "TargetFilename", "TargetImage", "TargetObject",
	"TargetUserName", "TaskName", "TicketEncryptionType", "User", "WorkstationName",
}

func BenchmarkSigma(b *testing.B) {
	if !slices.IsSorted(sigmaFields) {
		b.Fatal("fields are not sorted")
	}
	benchmark(b, event.Always(func(event.Source) event.Want { return event.Want{Fields: sigmaFields} }))
}
