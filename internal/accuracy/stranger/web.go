package stranger

import (
	"fmt"
	"strings"
	"time"
)

func (o *org) squid(file string, t time.Time, step, client, method, url, user string, status, bytes int, ip string) {
	res := "TCP_MISS"
	if method == "CONNECT" {
		res = "TCP_TUNNEL"
	}
	o.put(file, t, step, fmt.Sprintf("%d.%03d %6d %s %s/%d %d %s %s %s HIER_DIRECT/%s -", t.Unix(), t.Nanosecond()/1e6, 50+o.r.Intn(900), client, res, status, bytes, method, url, user, ip))
}

func (o *org) squidLive(file string, from time.Time, days int, clients ...string) {
	for d := 0; d < days; d++ {
		for _, c := range clients {
			for k := 0; k < 8; k++ {
				t := from.AddDate(0, 0, d).Add(time.Duration(7*3600+o.r.Intn(11*3600)) * time.Second)
				s := sites[o.r.Intn(len(sites))]
				o.squid(file, t, "", c, "CONNECT", s[0]+":443", "-", 200, 3000+o.r.Intn(90000), s[1])
			}
		}
	}
}

func (o *org) apache(file string, t time.Time, step, ip, method, path string, status, size int, ua string) {
	o.put(file, t, step, fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d %d "-" "%s"`, ip, t.Format("02/Jan/2006:15:04:05 -0700"), method, path, status, size, ua))
}

const iisHead = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2025-09-01 00:00:01\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken\n"

func (o *org) iis(file string, t time.Time, step, sip, method, stem, query, user, cip, ua string, status, out, in int) {
	o.put(file, t, step, fmt.Sprintf("%s %s %s %s %s 443 %s %s %s - %d 0 0 %d %d %d", t.UTC().Format("2006-01-02 15:04:05"), sip, method, stem, query, user, cip, strings.ReplaceAll(ua, " ", "+"), status, out, in, 15+o.r.Intn(300)))
}

var agents = []string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)", "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"}

func (o *org) visitor() string {
	return fmt.Sprintf("%d.%d.%d.%d", []int{31, 62, 78, 81, 94, 109, 151, 176, 212}[o.r.Intn(9)], o.r.Intn(250), o.r.Intn(250), 1+o.r.Intn(250))
}
