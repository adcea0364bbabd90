package rules_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contrail-ir/contrail/evidence"
	"github.com/contrail-ir/contrail/match"
	"github.com/contrail-ir/contrail/rules"
	"github.com/contrail-ir/contrail/sweep"
)

// gateways says how logs of remote access write that somebody was refused, and that somebody was let in.
var gateways = map[string]func(at time.Time, address, user string, accepted bool) string{
	"FortiGate": func(at time.Time, address, user string, accepted bool) string {
		action := `level="alert" action="ssl-login-fail" tunneltype="ssl-web" reason="sslvpn_login_permission_denied"`
		if accepted {
			action = `level="information" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=11 tunnelip="10.9.0.7"`
		}
		return fmt.Sprintf(`date=%s time=%s devname="gw1" devid="FG1" tz="+0000" logid="0100044547" type="event" subtype="vpn" %s remip=%s user="%s"`, at.Format(time.DateOnly), at.Format(time.TimeOnly), action, address, user)
	},
	"ASA": func(at time.Time, address, user string, accepted bool) string {
		if accepted {
			return fmt.Sprintf("%s fw1 %%ASA-4-722051: Group <staff> User <%s> IP <%s> IPv4 Address <10.9.0.7> IPv6 address <::> assigned to session", at.Format(time.RFC3339), user, address)
		}
		return fmt.Sprintf("%s fw1 %%ASA-6-113005: AAA user authentication Rejected : reason = AAA failure : server = 10.0.0.5 : user = %s : user IP = %s", at.Format(time.RFC3339), user, address)
	},
	"ocserv": func(at time.Time, address, user string, accepted bool) string {
		if accepted {
			return fmt.Sprintf("%s vpn1 ocserv[77]: main[%s]:%s:40000 user logged in", at.Format(time.RFC3339), user, address)
		}
		return fmt.Sprintf("%s vpn1 ocserv[77]: worker[%s]: %s failed authentication", at.Format(time.RFC3339), user, address)
	},
	"Azure": func(at time.Time, address, user string, accepted bool) string {
		code := 50126
		if accepted {
			code = 0
		}
		return fmt.Sprintf(`{"id": "s%d", "createdDateTime": "%s", "userPrincipalName": "%s@air.example", "appDisplayName": "Office 365", "ipAddress": "%s", "authenticationProtocol": "none", "status": {"errorCode": %d}}`,
			at.UnixNano(), at.Format(time.RFC3339), user, address, code)
	},
}

// attempt is a login to remote access, let in or not.
type attempt struct {
	at       time.Time
	user     string
	accepted bool
}

// crowdedDay is a day of two hundred people behind one address: half of them come within the first two hours, each mistypes once to three times, and
// most get in at last.
func crowdedDay(r *rand.Rand) (day []attempt) {
	morning := time.Date(2026, 3, 16, 7, 0, 0, 0, time.UTC)
	for i := range 200 {
		at := morning.Add(time.Duration(r.IntN(2*3600)) * time.Second)
		if i%2 == 1 {
			at = morning.Add(time.Duration(r.IntN(11*3600)) * time.Second)
		}
		user := fmt.Sprintf("p%03d", i)
		for range 1 + r.IntN(3) {
			day = append(day, attempt{at, user, false})
			at = at.Add(time.Duration(5+r.IntN(40)) * time.Second)
		}
		if r.IntN(10) < 7 {
			day = append(day, attempt{at, user, true})
		}
	}
	return day
}

// TestManyPeopleBehindOneAddressDoNotGuess: those who mistype are not found, however many; whoever guesses among them is, many names or one.
func TestManyPeopleBehindOneAddressDoNotGuess(t *testing.T) {
	days, seeds := map[string][]attempt{}, uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		days[fmt.Sprintf("crowd %d", seed)] = crowdedDay(r)
		noon := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
		many, one := crowdedDay(r), crowdedDay(r)
		for i := range 40 {
			many = append(many, attempt{noon.Add(time.Duration(i*3) * time.Second), fmt.Sprintf("name%d", i), i == 30})
		}
		for i := range 60 {
			one = append(one, attempt{noon.Add(time.Duration(i*20) * time.Second), "flightops", i == 59})
		}
		days[fmt.Sprintf("many %d", seed)], days[fmt.Sprintf("one %d", seed)] = many, one
	}
	set, rejected := match.Load(match.Question{BuiltIn: rules.FS})
	if len(rejected) > 0 {
		t.Fatalf("rejected: %+v", rejected)
	}
	root := t.TempDir()
	q := sweep.Question{Formats: evidence.Formats(), Rules: set, TempDir: t.TempDir(), NoEvent: true}
	for gateway, line := range gateways {
		for name, day := range days {
			slices.SortStableFunc(day, func(a, b attempt) int { return a.at.Compare(b.at) })
			var log strings.Builder
			for _, a := range day {
				log.WriteString(line(a.at, "203.0.113.200", a.user, a.accepted) + "\n")
			}
			org := gateway + " " + name
			dir := filepath.Join(root, org)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "gateway.log"), []byte(log.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			q.Roots = append(q.Roots, evidence.Root{Org: org, Path: dir})
		}
	}
	got := &found{rules: map[string][]string{}}
	if err := sweep.Run(context.Background(), q, got, nil); err != nil {
		t.Fatal(err)
	}
	for gateway := range gateways {
		for name := range days {
			titles := got.rules[gateway+" "+name+"/gateway.log"]
			var guessed, oneAccount bool
			for _, title := range titles {
				guessed = guessed || strings.HasPrefix(title, "Passwords guessed")
				oneAccount = oneAccount || strings.HasPrefix(title, "Passwords of one account guessed")
			}
			wantMany, wantOne := strings.HasPrefix(name, "many"), strings.HasPrefix(name, "one")
			if guessed != wantMany || oneAccount != wantOne {
				t.Errorf("%s, %s: %q", gateway, name, titles)
			}
		}
	}
}
