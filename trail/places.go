package trail

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// A log that names no host – a web server's, a database's, the audit daemon's – is the log of the host whose other logs lie in the same
// folder, if they are of one host. Until all files are read the folder stands for the host.

const folderMark = "folder "

func inFolder(host []byte) bool { return bytes.HasPrefix(host, []byte(folderMark)) }

// fileHost says that a file names a host.
type fileHost struct{ file, host uint32 }

// folder gives what stands for the host of a file's rows that name none.
func (c *Collector) folder(file string) []byte {
	p, ok := c.place[file]
	if !ok {
		dir := ""
		if i := strings.LastIndexByte(file, '/'); i >= 0 {
			dir = file[:i]
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

// settlePlaces finds the hosts of folders, gives what stands for a folder or an address to the host whose it is, and gives the
// numbers of hosts that the numbers of edges mean.
func (g *Graph) settlePlaces() ([]uint32, error) {
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
	for i, name := range g.hosts.text {
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
	}
	for _, id := range slices.Sorted(maps.Keys(g.placed)) {
		kind, host, value := splitKey(g.names.key(id))
		to := g.hostOf[host]
		if inFolder([]byte(host)) {
			to = g.hostOfFolder(host)
		}
		if to == "" || to == host {
			continue
		}
		key := appendKey(nil, kind, []byte(to), []byte(value))
		other, err := g.names.node(key, g.names.hash(key))
		if err != nil {
			return nil, err
		}
		if other != id {
			g.alias[id] = other
		}
	}
	g.placed, g.spoke = nil, nil
	return hosts, nil
}
