package accuracy_test

import (
	"slices"
	"testing"

	"github.com/contrail-ir/contrail/internal/require"
)

// TestNetworkLogsOfARecordedIntrusion: half an hour of the network's logs alone, of an exercise whose plan is public. One host uploads an archive and goes
// over to another, which begins to call the same place every second. That place has a private address, as laboratories have.
func TestNetworkLogsOfARecordedIntrusion(t *testing.T) {
	out := follow(t, require.Data(t, "apt29/day1/zeek/individual_zeek_logs"))
	if !out.Established || len(out.Infrastructure) != 1 || out.Infrastructure[0].Value != "192.168.0.4" {
		t.Errorf("established %t: %s; places %+v", out.Established, out.Why, out.Infrastructure)
	}
	var hosts []string
	for _, h := range out.Hosts {
		hosts = append(hosts, h.Host)
	}
	if !slices.Equal(hosts, []string{"10.0.1.4", "10.0.1.6"}) {
		t.Errorf("the hosts are %q", hosts)
	}
	if out.SentBytes < 2<<20 || out.SentBytes > 5<<19 {
		t.Errorf("%d bytes sent", out.SentBytes)
	}
	checkTouched(t, out, []string{"SCRANTON_http.log:41", "NASHUA_conn.log:96"}, nil)
}
