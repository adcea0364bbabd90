package evidence

import (
	"encoding/json"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/contrail-ir/contrail/evidence/archive"
)

// Collection is what the layout of a triage collection says of the files in it. The zero value says nothing.
type Collection struct {
	Org    string
	Root   string // name of the folder or archive, relative to the evidence root; "" for the root itself
	Tool   string // kape, velociraptor, uac, cylr, or "drive" for a copied drive of unknown origin
	Host   string // "" when it cannot be told
	System string // windows, linux …
	Time   string // of the collection, RFC 3339 in UTC; "" when it cannot be told
}

// Collections are those among the files of a walk.
type Collections struct {
	all    []Collection // by organisation, then root
	byRoot map[[2]string]int
}

// All lists the collections in order of organisation and root.
func (c *Collections) All() []Collection {
	if c == nil {
		return nil
	}
	return c.all
}

// of gives the innermost collection that a file lies in.
func (c *Collections) of(org, name string) Collection {
	if c == nil {
		return Collection{}
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "/" || dir == "." {
			dir = ""
		}
		if i, ok := c.byRoot[[2]string{org, dir}]; ok {
			return c.all[i]
		}
		if dir == "" {
			return Collection{}
		}
	}
}

// Layouts: what stands before the first match is the collection's root.
var (
	// uploads/auto/C%3A/…, uploads/ntfs/%5C%5C.%5CC%3A/…: Velociraptor, percent-encoded as on its server.
	velociraptorPath = regexp.MustCompile(`^(.*?/)??uploads/(auto|ntfs|file|lazy_ntfs|mft|registry|data|raw_reg)/`)
	// C/Windows/System32/…, C:/Windows/…: KAPE, CyLR.
	drivePath = regexp.MustCompile(`^(.*?/)??[A-Za-z](?::|%3[Aa])?/(?i:windows|users|programdata|\$mft|\$extend|inetpub)(?:/|$)`)
	// [root]/var/log/…: UAC.
	uacPath = regexp.MustCompile(`^(.*?/)??\[root\]/`)

	uacName          = regexp.MustCompile(`(?i)^uac-(.+)-(linux|freebsd|openbsd|netbsd|netscaler|macos|aix|solaris|esxi|android)-(\d{14})`)
	velociraptorName = regexp.MustCompile(`^Collection-(.+?)-(\d{4}-\d\d-\d\dT\d\d[_:]\d\d[_:]\d\d)`)
	kapeName         = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d{6})_(.+)$`)
	hostName         = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){0,6}$`)
	noHost           = regexp.MustCompile(`(?i)^(?:kape|cylr|collections?|collected|triage|evidence|output|out|results?|target|tdest|tout|targets|uploads?|files?|data|logs?|c|d|root|image|export|case\d*|windows|linux|disk|drive|backup|temp|tmp|test)[0-9_-]*$`)
)

// FindCollections looks at the names of a walk's items for the layouts of KAPE, Velociraptor, UAC and CyLR, and reads the small
// files in which Velociraptor says which host it was.
func FindCollections(items []Item) *Collections {
	c := &Collections{byRoot: map[[2]string]int{}}
	for _, it := range items {
		root, tool := layoutOf(it.Name)
		key := [2]string{it.Org, root}
		if i, known := c.byRoot[key]; tool == "" || known {
			if known && tool == "velociraptor" {
				c.all[i].Tool = tool
			}
			continue
		}
		x := byName(root)
		if x.Tool == "" {
			x.Tool, x.System = tool, systemOf(tool)
			if x.Host == "" && root != "" {
				x.Host = hostOf(path.Base(root))
			}
		}
		x.Org, x.Root = it.Org, root
		c.byRoot[key] = len(c.all)
		c.all = append(c.all, x)
	}
	for _, it := range items {
		root := path.Dir(it.Name)
		if root == "." {
			root = ""
		}
		i, ok := c.byRoot[[2]string{it.Org, root}]
		if base := path.Base(it.Name); ok && velociraptorTells(base) && it.Size < 1<<20 {
			if f, err := os.Open(it.Path); err == nil {
				content, _ := io.ReadAll(io.LimitReader(f, 1<<20))
				f.Close()
				c.all[i].tell(base, content)
			}
		}
	}
	slices.SortStableFunc(c.all, func(a, b Collection) int {
		if a.Org != b.Org {
			return strings.Compare(a.Org, b.Org)
		}
		return strings.Compare(a.Root, b.Root)
	})
	for i, x := range c.all {
		c.byRoot[[2]string{x.Org, x.Root}] = i
	}
	return c
}

// layoutOf gives the tool whose layout a path has, and the root before it.
func layoutOf(name string) (root, tool string) {
	for _, l := range []struct {
		pattern *regexp.Regexp
		tool    string
	}{{velociraptorPath, "velociraptor"}, {uacPath, "uac"}, {drivePath, "drive"}} {
		if m := l.pattern.FindStringSubmatch(name); m != nil {
			return strings.TrimSuffix(m[1], "/"), l.tool
		}
	}
	return "", ""
}

func systemOf(tool string) string {
	switch tool {
	case "drive":
		return "windows"
	default:
		return ""
	}
}

// byName reads what tools put into the names of their archives and folders.
func byName(name string) (c Collection) {
	if i := strings.LastIndexByte(name, '!'); i >= 0 {
		name = name[i+1:]
	}
	base := path.Base(name)
	for _, end := range []string{".gz", ".zst", ".xz", ".bz2", ".zip", ".tar", ".tgz", ".7z"} {
		base = strings.TrimSuffix(base, end)
	}
	if m := uacName.FindStringSubmatch(base); m != nil {
		c = Collection{Tool: "uac", Host: m[1], System: strings.ToLower(m[2])}
		if t, err := time.Parse("20060102150405", m[3]); err == nil {
			c.Time = t.Format(time.RFC3339)
		}
	} else if m := velociraptorName.FindStringSubmatch(base); m != nil {
		c = Collection{Tool: "velociraptor", Host: m[1]}
		if t, err := time.Parse("2006-01-02T15:04:05", strings.ReplaceAll(m[2], "_", ":")); err == nil {
			c.Time = t.Format(time.RFC3339)
		}
	} else if m := kapeName.FindStringSubmatch(base); m != nil && hostOf(m[2]) != "" {
		if t, err := time.Parse("2006-01-02T150405", m[1]); err == nil {
			c = Collection{Tool: "kape", Host: hostOf(m[2]), System: "windows", Time: t.Format(time.RFC3339)}
		}
	}
	return c
}

// hostOf gives a folder's or archive's name when it can be a host's and is none of the words that people give their folders.
func hostOf(name string) string {
	if !hostName.MatchString(name) || noHost.MatchString(name) {
		return ""
	}
	return name
}

func velociraptorTells(base string) bool {
	return base == "client_info.json" || base == "collection_context.json"
}

// tell takes in one of the files in which Velociraptor describes a collection. What cannot be read says nothing.
func (c *Collection) tell(base string, content []byte) {
	var v map[string]any
	if json.Unmarshal(content, &v) != nil {
		return
	}
	if inner, ok := v["os_info"].(map[string]any); ok {
		for k, x := range inner {
			v[k] = x
		}
	}
	text := func(keys ...string) string {
		for _, k := range keys {
			for name, x := range v {
				if s, ok := x.(string); ok && strings.EqualFold(name, k) && s != "" {
					return s
				}
			}
		}
		return ""
	}
	c.Tool = "velociraptor"
	switch base {
	case "client_info.json":
		if host := text("hostname", "fqdn"); hostName.MatchString(host) {
			c.Host = host
		}
		if system := strings.ToLower(text("system", "os")); system != "" && len(system) < 32 {
			c.System = system
		}
	case "collection_context.json":
		for _, k := range []string{"start_time", "create_time"} {
			n, ok := v[k].(float64)
			if !ok || n <= 0 || n > 1e19 {
				continue
			}
			for n > 1e11 { // milli-, micro- or nanoseconds
				n /= 1000
			}
			c.Time = time.Unix(int64(n), 0).UTC().Format(time.RFC3339)
			return
		}
	}
}

// zipLayout tells the collection that a zip archive is, by its name, its members' names and what Velociraptor put into it.
func zipLayout(name string, at io.ReaderAt, size int64, o archive.Options) Collection {
	c := byName(name)
	inside := ""
	var told Collection
	archive.ListZip(at, size, o, func(member string) bool {
		if root, tool := layoutOf(member); inside == "" && tool != "" {
			inside = tool
			if root != "" && c.Host == "" { // a folder by the host's name within the archive
				c.Host = hostOf(path.Base(root))
			}
		}
		return velociraptorTells(path.Base(member)) && strings.Count(member, "/") <= 1
	}, func(member string, content []byte) { told.tell(path.Base(member), content) })
	if told.Tool != "" && (inside == "velociraptor" || inside == "") {
		c.Tool = told.Tool
		for _, v := range []struct{ to, from *string }{{&c.Host, &told.Host}, {&c.System, &told.System}, {&c.Time, &told.Time}} {
			if *v.from != "" {
				*v.to = *v.from
			}
		}
		return c
	}
	if inside == "" || c.Tool != "" {
		return c
	}
	c.Tool, c.System = inside, systemOf(inside)
	if c.Host == "" {
		base := path.Base(name[strings.LastIndexByte(name, '!')+1:])
		c.Host = hostOf(strings.TrimSuffix(base, path.Ext(base)))
		if inside == "drive" && c.Host != "" {
			c.Tool = "cylr" // HOST.zip with drive letters inside is how CyLR leaves it
		}
	}
	return c
}
