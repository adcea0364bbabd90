package file

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/contrail-ir/contrail/event"
)

// byExtension are languages by the ending of a name, which only counts for text.
var byExtension = map[string]string{
	".ps1": "powershell", ".psm1": "powershell", ".psd1": "powershell", ".vbs": "vbscript", ".vbe": "vbscript", ".js": "javascript", ".jse": "javascript",
	".mjs": "javascript", ".wsf": "windows-script", ".hta": "html-application", ".bat": "batch", ".cmd": "batch", ".sh": "shell", ".bash": "shell",
	".py": "python", ".pl": "perl", ".rb": "ruby", ".lua": "lua", ".php": "php", ".php5": "php", ".phtml": "php", ".phar": "php", ".jsp": "jsp", ".jspx": "jsp",
	".aspx": "aspx", ".ashx": "aspx", ".asmx": "aspx", ".ascx": "aspx", ".asp": "asp", ".cfm": "coldfusion", ".cgi": "shell",
}

var shebang = regexp.MustCompile(`^#!\s*(?:\S*/)?(?:env\s+(?:-S\s+)?(?:\S*/)?)?([A-Za-z]+)`)

var interpreters = map[string]string{
	"sh": "shell", "bash": "shell", "dash": "shell", "zsh": "shell", "ksh": "shell", "ash": "shell", "python": "python", "perl": "perl", "ruby": "ruby", "php": "php",
	"node": "javascript", "lua": "lua", "pwsh": "powershell",
}

var (
	phpOpen  = regexp.MustCompile(`(?i)^\s*<\?(?:php|=)`)
	aspxOpen = regexp.MustCompile(`(?i)<%@\s*(?:page|webhandler|webservice|control|master)[^%]{0,300}\b(?:language\s*=\s*"?(?:c#|vb|jscript)|codebehind|inherits|autoeventwireup)`)
	jspOpen  = regexp.MustCompile(`(?i)<%@\s*page[^%]{0,300}\b(?:import\s*=|contenttype|pageencoding|language\s*=\s*"java")|<jsp:root`)
	aspOpen  = regexp.MustCompile(`(?i)^\s*<%(?:@\s*language\s*=\s*"?(?:vbscript|jscript)|\s*(?:eval|execute|response|dim|set)\b)`)
)

// languageOf tells a script's language: Likely by its content, Possible by its name when it is text.
func languageOf(head []byte, name string) (string, event.Confidence) {
	text := utf8Text(head)
	if text == nil {
		return "", event.No
	}
	begin := text[:min(len(text), 4096)]
	if m := shebang.FindSubmatch(begin); m != nil {
		if l := interpreters[strings.ToLower(string(m[1]))]; l != "" {
			return l, event.Likely
		}
	}
	switch {
	case phpOpen.Match(begin):
		return "php", event.Likely
	case aspxOpen.Match(begin):
		return "aspx", event.Likely
	case jspOpen.Match(begin):
		return "jsp", event.Likely
	case aspOpen.Match(begin):
		return "asp", event.Likely
	}
	name = strings.ToLower(path.Base(name[strings.LastIndexByte(name, '!')+1:]))
	if l := byExtension[path.Ext(name)]; l != "" && len(bytes.TrimSpace(text)) > 0 {
		return l, event.Possible
	}
	return "", event.No
}

// utf8Text gives text as UTF-8, nil when it is none.
func utf8Text(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		out, _, _ := transform.Bytes(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder(), b)
		return out
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	for _, c := range b[:min(len(b), 64<<10)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			return nil
		}
	}
	return b
}

// sign is what makes a script suspicious: all of its patterns are in it.
type sign struct {
	what      string
	languages []string // nil for all
	all       []*regexp.Regexp
}

func rx(patterns ...string) (all []*regexp.Regexp) {
	for _, p := range patterns {
		all = append(all, regexp.MustCompile(p))
	}
	return all
}

// signs come from what reports on web shells and script loaders describe: the way from input to execution, decoding on the way,
// and hiding. One alone is often innocent; a list of them is for a person or a rule to judge.
var signs = []sign{
	{"runs what a request carries", []string{"php"}, rx(`(?i)\b(?:eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function)\s*\([^;]{0,200}\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)`)},
	{"runs what a request carries", []string{"php"}, rx("(?i)`[^`\n]{0,200}\\$_(?:GET|POST|REQUEST|COOKIE)")},
	{"calls a function that a request names", []string{"php"}, rx(`(?i)\$_(?:GET|POST|REQUEST|COOKIE)\s*\[[^\]]{1,60}\]\s*\(`)},
	{"runs what a request carries", []string{"jsp"}, rx(`(?i)getRuntime\s*\(\s*\)\s*\.\s*exec|ProcessBuilder`, `(?i)request\s*\.\s*get(?:Parameter|Header|Reader|InputStream|QueryString)`)},
	{"loads a class that a request carries", []string{"jsp"}, rx(`(?i)defineClass|URLClassLoader`, `(?i)request\s*\.\s*get|getReader|getInputStream`)},
	{"runs what a request carries", []string{"aspx", "asp"}, rx(`(?i)(?:\beval|\bexecute|executeglobal)\s*\(?\s*\(?request`)},
	{"starts a program for a request", []string{"aspx"}, rx(`(?i)Process\s*\.\s*Start|ProcessStartInfo`, `(?i)Request\s*[.\[(]`)},
	{"starts a program for a request", []string{"asp"}, rx(`(?i)wscript\.shell|shell\.application`, `(?i)request\s*[.(]`)},
	{"loads an assembly from memory", []string{"aspx", "powershell"}, rx(`(?i)Assembly\s*\]?\s*(?:\.|::)\s*Load\s*\(`)},
	{"writes a file that a request carries", []string{"php"}, rx(`(?i)(?:file_put_contents|fwrite|move_uploaded_file)\s*\([^;]{0,200}\$_(?:GET|POST|REQUEST|FILES)`)},
	{"decodes and runs", []string{"php"}, rx(`(?i)\b(?:eval|assert)\s*\(\s*@?(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|convert_uudecode|strrev)`)},
	{"decodes and runs", []string{"powershell"}, rx(`(?i)FromBase64String`, `(?i)\biex\b|invoke-expression|\.invoke\s*\(|::load\s*\(`)},
	{"decodes and runs", []string{"python"}, rx(`(?i)\b(?:exec|eval)\s*\(`, `(?i)b64decode|zlib\.decompress|marshal\.loads|bytes\.fromhex`)},
	{"decodes and runs", []string{"javascript", "html-application", "vbscript", "windows-script"}, rx(`(?i)\beval\s*\(|\bexecute(?:global)?\b`, `(?i)fromcharcode|unescape\s*\(|atob\s*\(|chrw?\s*\(`)},
	{"decodes and runs", []string{"shell"}, rx(`(?i)base64\s+(?:-d|--decode)[^\n]{0,100}\|\s*(?:ba|z|k)?sh\b|\beval\b[^\n]{0,100}base64`)},
	{"fetches and runs", []string{"powershell"}, rx(`(?i)download(?:string|data|file)|invoke-webrequest|\biwr\b|invoke-restmethod|net\.webclient|start-bitstransfer`, `(?i)\biex\b|invoke-expression|start-process|::load\s*\(`)},
	{"fetches and runs", []string{"shell"}, rx(`(?i)(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|k)?sh\b`)},
	{"fetches and runs", []string{"vbscript", "javascript", "html-application", "windows-script"}, rx(`(?i)msxml2\.|winhttp|microsoft\.xmlhttp`, `(?i)adodb\.stream|\.run\b|shellexecute`)},
	{"fetches with a system tool", nil, rx(`(?i)certutil[^\n]{0,100}-(?:urlcache|decode|verifyctl)|bitsadmin[^\n]{0,100}/transfer|mshta(?:\.exe)?\s+["']?https?:`)},
	{"hands over an encoded command", nil, rx(`(?i)powershell[^\n]{0,200}\s-e(?:nc|ncodedcommand|c)?\s+[A-Za-z0-9+/=]{40}`)},
	{"hides its window", []string{"powershell", "batch", "vbscript"}, rx(`(?i)-w(?:indowstyle)?\s+hidden`)},
	{"switches off the antimalware interface", nil, rx(`(?i)amsiutils|amsiinitfailed|amsiscanbuffer`)},
	{"switches off protection", nil, rx(`(?i)set-mppreference[^\n]{0,100}-disable|netsh\s+(?:advfirewall|firewall)[^\n]{0,100}(?:off|disable)|setenforce\s+0|wevtutil\s+cl\b|clear-eventlog`)},
	{"puts code into memory", nil, rx(`(?i)virtualalloc|writeprocessmemory|createremotethread|ntmapviewofsection|mprotect[^\n]{0,80}prot_exec`)},
	{"reads credentials", nil, rx(`(?i)sekurlsa|minidumpwritedump|comsvcs(?:\.dll)?[^\n]{0,40}minidump|lsass[^\n]{0,80}dump|ntds\.dit|/etc/shadow`)},
	{"opens a shell over the network", nil, rx(`(?i)/dev/(?:tcp|udp)/|\bnc(?:at)?\b[^\n]{0,60}\s-e\s|socket\.socket[\s\S]{0,400}(?:dup2|subprocess|pty\.spawn)|net\.sockets\.tcpclient[\s\S]{0,800}(?:iex|invoke-expression)|fsockopen[\s\S]{0,400}(?:proc_open|popen|shell_exec)`)},
	{"deletes shadow copies", nil, rx(`(?i)vssadmin[^\n]{0,60}delete\s+shadows|wmic[^\n]{0,60}shadowcopy[^\n]{0,20}delete`)},
	{"writes text letter by letter", nil, rx(`(?i)(?:chrw?\s*\(\s*\d{1,5}\s*\)\s*[.&+]\s*){8}|fromcharcode\s*\((?:\s*\d{1,5}\s*,){16}|(?:\\x[0-9a-f]{2}){40}|(?:\[char\]\s*\d{1,5}\s*\+\s*){8}`)},
	{"carries a long encoded text", nil, rx(`[A-Za-z0-9+/]{1000}`)},
}

// suspicious lists what speaks against a script, in the order of signs, each once.
func suspicious(data []byte, language string) (all []string) {
	text := utf8Text(data)
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	for _, s := range signs {
		if s.languages != nil && !slices.Contains(s.languages, language) || slices.Contains(all, s.what) {
			continue
		}
		if !slices.ContainsFunc(s.all, func(r *regexp.Regexp) bool { return !r.Match(text) }) {
			all = append(all, s.what)
		}
	}
	for line := range bytes.Lines(text) {
		if len(line) > 20_000 && language != "javascript" { // scripts for browsers are packed as a matter of course
			return append(all, "has a line of more than 20,000 bytes")
		}
	}
	return all
}
