package drill

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/contrail-ir/contrail/drill/scene"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

var (
	airlineFirst  = strings.Fields("Aurora Meridian Halcyon Borealis Kestrel Osprey Zephyr Solano Cormorant Tamarind Azimuth Juniper Lodestar Marlin Pelican Saffron Vesper Altair Bramble Cobalt Drift Ember Fathom Gannet Heron Indigo Jasper Lapis Nimbus Opal Petrel Quill Rowan Sable Tern Umber Verdant Willow Yarrow Zenith")
	airlineSecond = strings.Fields("Air Airways Airlines Aviation Connect Express Atlantic Pacific Continental Jet")
	givenInitials = "abcdefghijklmnoprstvwz"
	familyNames   = strings.Fields("brandt silva haddad nguyen rossi novak moreau okafor larsen keller santos petrov yilmaz tanaka singh kumar dubois jansen costa weber ferrari kaya lindqvist mensah oneill sato schmidt vargas walker ziegler abbas becker chen dlamini eriksen fischer garcia hassan ito jovic")
	siteCodes     = strings.Fields("AMS BRU CDG DUB EDI FRA GVA HEL IST KRK LIS MAD NCE OSL PRG RIX SOF TLS VIE WAW ZRH")
)

// castFor draws an organisation: its name, its hosts' naming scheme and its people.
func castFor(r *rand.Rand, index int, taken map[string]bool) (scene.Org, scene.Cast, scene.Network) {
	var short string
	for short == "" || taken[short] {
		short = pick(r, airlineFirst...)
	}
	taken[short] = true
	lower := strings.ToLower(short)
	org := scene.Org{Name: short + " " + pick(r, airlineSecond...), Domain: lower + pick(r, ".example", ".example.net", ".example.org", ".example.com"), NetBIOS: strings.ToUpper(short), Short: short,
		SID: fmt.Sprintf("S-1-5-21-%d-%d-%d", 1000000000+r.IntN(3000000000), 1000000000+r.IntN(3000000000), 1000000000+r.IntN(3000000000))}
	site := pick(r, siteCodes...)
	tag := strings.ToUpper(short[:min(4, len(short))])
	name := func(role string, n int) string {
		switch index % 4 {
		case 0:
			return fmt.Sprintf("%s-%s%02d", tag, role, n)
		case 1:
			return fmt.Sprintf("%s%s%03d", site, role, n)
		case 2:
			return fmt.Sprintf("%s-%s-%d", role, site, n)
		}
		return fmt.Sprintf("SRV-%s%02d", role, n)
	}
	n := 1 + r.IntN(8)
	cast := scene.Cast{Web: name("WEB", n), App: name("RES", n), DB: name("DB", n), DC: name("DC", n), Admin: name("ADM", n+10), Files: name("FS", n), Portal: strings.ToLower(name("LOY", n)),
		Router: strings.ToLower(name("RTR", n)), Wall: strings.ToLower(name("FW", n)), Gateway: strings.ToLower(name("VPN", n)), Mail: strings.ToLower(name("MX", n)), Postgres: true}
	for i := range 3 {
		cast.Desks = append(cast.Desks, name("WS", 20+n*4+i))
	}
	people := r.Perm(len(familyNames))
	for i := range 8 {
		cast.Agents = append(cast.Agents, fmt.Sprintf("%c.%s", givenInitials[r.IntN(len(givenInitials))], familyNames[people[i]]))
	}
	cast.AdminUser = familyNames[people[8]]
	cast.Administrator, cast.DBA = pick(r, "adm-", "a_", "t1.")+familyNames[people[8]], pick(r, "dba-", "adm-", "db.")+familyNames[people[9]]
	b := 16 + index%200
	network := scene.Network{Inside: fmt.Sprintf("10.%d.%d", b, 10+r.IntN(20)), Desks: fmt.Sprintf("10.%d.%d", b, 100+r.IntN(50)), Outside: scene.Public(r), Zeek: "tsv", Proxy: "squid", Firewall: "asa", WebLogs: true}
	return org, cast, network
}
