package device

import (
	"bytes"
	"strings"
	"time"
)

// Palo Alto's devices write comma-separated values with quotes: a future-use value, the time of receipt, the serial number, the type
// and then fields that depend on it. The names are the vendor's, in the order of PAN-OS; later versions append fields only.

var paloCommon = "future_use1,receive_time,serial,type,subtype,future_use2,time_generated"

var paloNames = map[string][]string{
	"TRAFFIC":        paloList("src,dst,natsrc,natdst,rule,srcuser,dstuser,app,vsys,from,to,inbound_if,outbound_if,logset,future_use3,sessionid,repeatcnt,sport,dport,natsport,natdport,flags,proto,action,bytes,bytes_sent,bytes_received,packets,start,elapsed,category,future_use4,seqno,actionflags,srcloc,dstloc,future_use5,pkts_sent,pkts_received,session_end_reason,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name,action_source"),
	"THREAT":         paloList("src,dst,natsrc,natdst,rule,srcuser,dstuser,app,vsys,from,to,inbound_if,outbound_if,logset,future_use3,sessionid,repeatcnt,sport,dport,natsport,natdport,flags,proto,action,misc,threatid,category,severity,direction,seqno,actionflags,srcloc,dstloc,future_use4,contenttype,pcap_id,filedigest,cloud,url_idx,user_agent,filetype,xff,referer,sender,subject,recipient,reportid,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
	"SYSTEM":         paloList("vsys,eventid,object,future_use3,future_use4,module,severity,opaque,seqno,actionflags,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
	"CONFIG":         paloList("host,vsys,cmd,admin,client,result,path,before_change_detail,after_change_detail,seqno,actionflags,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
	"GLOBALPROTECT":  paloList("vsys,eventid,stage,auth_method,tunnel_type,srcuser,srcregion,machinename,public_ip,public_ipv6,private_ip,private_ipv6,hostid,serialnumber,client_ver,client_os,client_os_ver,repeatcnt,reason,error,opaque,status,location,login_duration,connect_method,error_code,portal,seqno,actionflags"),
	"USERID":         paloList("vsys,ip,user,datasourcename,eventid,repeatcnt,timeout,beginport,endport,datasource,datasourcetype,seqno,actionflags,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
	"HIPMATCH":       paloList("srcuser,vsys,machinename,os,src,matchname,repeatcnt,matchtype,future_use3,future_use4,seqno,actionflags,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
	"AUTHENTICATION": paloList("vsys,ip,user,normalize_user,object,authpolicy,repeatcnt,authid,vendor,logset,serverprofile,desc,clienttype,event,factorno,seqno,actionflags,dg_hier_level_1,dg_hier_level_2,dg_hier_level_3,dg_hier_level_4,vsys_name,device_name"),
}

// paloOther names what types not listed have in common with all others.
var paloOther = paloList("")

func paloList(rest string) []string {
	names := strings.Split(paloCommon, ",")
	if rest != "" {
		names = append(names, strings.Split(rest, ",")...)
	}
	return names
}

// isPaloAlto looks at the first four values.
func isPaloAlto(b []byte) bool {
	head := b[:min(len(b), 120)]
	i := bytes.IndexByte(head, ',')
	if i < 0 || i > 40 || len(head) < i+22 || bytes.IndexByte(head[:i], ' ') >= 0 {
		return false
	}
	t := head[i+1:]
	if t[4] != '/' || t[7] != '/' || t[10] != ' ' || t[13] != ':' {
		return false
	}
	parts := bytes.SplitN(t, []byte{','}, 4)
	if len(parts) < 4 || len(parts[2]) < 4 {
		return false
	}
	for _, c := range parts[2] {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func paloNth(text []byte, n int) []byte {
	var out []byte
	eachCSV(text, func(i int, v []byte) bool {
		out = v
		return i < n
	})
	return out
}

func paloService(text []byte) string {
	kind := string(bytes.ToLower(paloNth(text, 3)))
	if len(kind) > 20 {
		return "other"
	}
	return kind
}

func paloHost(text []byte) []byte {
	names := paloNames[string(paloNth(text, 3))]
	for i, n := range names {
		if n == "device_name" {
			var host []byte
			eachCSV(text, func(at int, v []byte) bool {
				if at == i {
					host = v
				}
				return at < i
			})
			return host
		}
	}
	return nil
}

func paloTime(text []byte, zone *time.Location) int64 {
	const layout = "2006/01/02 15:04:05"
	if t := paloNth(text, 6); len(t) == len(layout) {
		return parseIn(layout, t, zone)
	}
	return parseIn(layout, paloNth(text, 1), zone)
}

func paloFields(text []byte, to Adder) {
	names := paloNames[string(paloNth(text, 3))]
	if names == nil {
		names = paloOther
	}
	eachCSV(text, func(i int, v []byte) bool {
		if i >= len(names) {
			return false
		}
		if len(v) > 0 && !strings.HasPrefix(names[i], "future_use") {
			to.Add(names[i], v)
		}
		return true
	})
}

// eachCSV gives the values of a line, with quotes undone, until f returns false.
func eachCSV(b []byte, f func(i int, v []byte) bool) {
	for i := 0; ; i++ {
		if len(b) > 0 && b[0] == '"' {
			end := 1
			doubled := false
			for end < len(b) {
				if b[end] == '"' {
					if end+1 < len(b) && b[end+1] == '"' {
						doubled = true
						end += 2
						continue
					}
					break
				}
				end++
			}
			v := b[1:min(end, len(b))]
			if doubled {
				v = bytes.ReplaceAll(v, []byte(`""`), []byte{'"'})
			}
			if !f(i, v) {
				return
			}
			b = b[min(end+1, len(b)):]
			comma := bytes.IndexByte(b, ',')
			if comma < 0 {
				return
			}
			b = b[comma+1:]
			continue
		}
		comma := bytes.IndexByte(b, ',')
		if comma < 0 {
			f(i, b)
			return
		}
		if !f(i, b[:comma]) {
			return
		}
		b = b[comma+1:]
	}
}
