package trail

import (
	"bytes"
	"slices"
	"strings"

	"github.com/contrail-ir/contrail/event"
)

// A log that names no host – a web server's, a database's, the audit daemon's – is the log of the host whose other logs lie in the same
// folder, if they are of one host. Until all files are read the folder stands for the host.

const folderMark = "folder "

func inFolder(host []byte) bool { return bytes.HasPrefix(host, []byte(folderMark)) }

// ofHost says whether a log is of a host's own doings rather than of a network's.
func ofHost(s event.Source) bool {
	return s.Product == event.ProductWindows || s.Product == "linux" || s.Category == "webserver" || s.Category == "database"
}

// fileHost says that a file names a host.
type fileHost struct{ file, host uint32 }

// logFolders are names of folders that are the same on every host.
var logFolders = set("var log logs audit auditd apache apache2 httpd nginx tomcat catalina iis logfiles inetpub w3svc1 w3svc2 w3svc3 postgresql pgaudit pg_log mysql mariadb mssql oracle journal syslog exim4 postfix mail evtx winevt winlogs squid")

// folder gives what stands for the host of a file's rows that name none.
func (c *Collector) folder(file string) []byte {
	p, ok := c.place[file]
	if !ok {
		dir := file
		for first := true; ; first = false {
			i := strings.LastIndexByte(dir, '/')
			if !first && !logFolders[strings.ToLower(dir[i+1:])] {
				break
			}
			if dir = dir[:max(i, 0)]; dir == "" {
				break
			}
		}
		p = []byte(folderMark + dir)
		if len(c.place) > 1<<16 {
			clear(c.place)
		}
		c.place[file] = p
	}
	return p
}

// hostOfFolder gives the one host that the files in a folder name, else in the folder above; "" when there are several or none.
func (g *Graph) hostOfFolder(place string) string {
	return g.folderHost[strings.TrimPrefix(place, folderMark)]
}

// meaning says that a node is to mean another.
type meaning struct{ from, to Node }

// settlePlaces finds the hosts of folders, gives what stands for a folder or an address to the host whose it is, and gives the
// numbers of hosts that the numbers of edges mean.
func (g *Graph) settlePlaces() ([]uint32, []meaning, error) {
	names := map[string]map[uint32]bool{} // folder → hosts named in and below it
	for s := range g.spoke {
		for dir := g.files.text[s.file]; dir != ""; {
			i := strings.LastIndexByte(dir, '/')
			dir = dir[:max(i, 0)]
			if names[dir] == nil {
				names[dir] = map[uint32]bool{}
			}
			names[dir][s.host] = true
		}
	}
	g.folderHost = map[string]string{}
	hosts := make([]uint32, len(g.hosts.text))
	for i, name := range slices.Clone(g.hosts.text) {
		hosts[i] = uint32(i)
		if !inFolder([]byte(name)) {
			continue
		}
		hosts[i] = 0
		place := strings.TrimPrefix(name, folderMark)
		for dir := place; ; dir = dir[:max(strings.LastIndexByte(dir, '/'), 0)] {
			if n := len(names[dir]); n == 1 {
				for h := range names[dir] {
					hosts[i], g.folderHost[place] = h, g.hosts.text[h]
				}
			}
			if len(names[dir]) > 0 || dir == "" {
				break
			}
		}
		if own := place[strings.LastIndexByte(place, '/')+1:]; hosts[i] == 0 && g.named[uint32(i)] && own != "" {
			// Whoever gathered the logs of a host that does not name itself named the folder for it.
			short := string(shortHost([]byte(own)))
			hosts[i], g.folderHost[place] = g.hosts.id(short)&(1<<24-1), short
		}
	}
	var moved []meaning
	for _, id := range g.placed {
		kind, host, value := splitKey(g.names.key(id))
		to := g.hostOf[host]
		if inFolder([]byte(host)) {
			to = g.hostOfFolder(host)
		}
		if to == "" || to == host {
			continue
		}
		key := appendKey(nil, kind, []byte(to), []byte(value))
		other, _, err := g.names.node(key, g.names.hash(key))
		if err != nil {
			return nil, nil, err
		}
		if other != id {
			moved = append(moved, meaning{id, other})
		}
	}
	g.placed, g.spoke = nil, nil
	return hosts, moved, nil
}
