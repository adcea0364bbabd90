package passengers

import (
	"bufio"
	"fmt"
	"strings"
)

var columns = []string{"pnr", "carrier", "booking_date", "pax_index", "last_name", "first_name", "dob", "nationality", "passport_no", "email", "mobile",
	"ticket_no", "card_number", "origin", "destination", "flight_date", "remarks"}

func values(p *Passenger) []string {
	return []string{p.Locator, p.Carrier, p.Created.Format("2006-01-02"), fmt.Sprint(p.Index), p.Surname, p.Given, p.Birth.Format("2006-01-02"),
		p.Nationality, p.Passport, p.Email, p.Mobile, p.Ticket, p.Card, p.From, p.To, p.Departure.Format("2006-01-02"), remark(p)}
}

func remark(p *Passenger) string {
	switch p.Index {
	case 1:
		return `seat "by the window", please`
	case 2:
		return "O'NEILL's party; wheelchair"
	}
	return ""
}

func writeCSV(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprintln(w, strings.Join(columns, ","))
	for range n {
		p := g.Next()
		for i, v := range values(&p) {
			if i > 0 {
				_ = w.WriteByte(',')
			}
			if strings.ContainsAny(v, "\",\n") {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			_, _ = w.WriteString(v)
		}
		_, _ = w.WriteString("\r\n")
	}
}

// writeChineseCSV writes what a domestic carrier holds: no passport, but resident numbers, in UTF-8.
func writeChineseCSV(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprintln(w, "订座编码;姓名;证件号码;出生日期;手机号;航班日期;国籍")
	for range n {
		p := g.Next()
		id := p.Resident
		if id == "" {
			id = p.Passport
		}
		fmt.Fprintf(w, "%s;%s;%s;%s;%s;%s;%s\n", p.Locator, chineseName(&p), id, p.Birth.Format("2006年1月2日"), p.Mobile[3:], p.Departure.Format("2006/1/2"), p.Nationality)
	}
}

func chineseName(p *Passenger) string {
	const family, given = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超"
	f, s := []rune(family), []rune(given)
	k := len(p.Surname)*7 + int(p.Birth.Unix()/86400)
	if k < 0 {
		k = -k
	}
	return string(f[k%len(f)]) + string(s[k/10%len(s)]) + string(s[k/170%len(s)])
}

func quoted(v, prefix string) string {
	if v == "" {
		return "NULL"
	}
	return prefix + "'" + strings.ReplaceAll(v, "'", "''") + "'"
}

func tuple(p *Passenger, prefix string) string {
	var b strings.Builder
	for i, v := range values(p) {
		if i > 0 {
			b.WriteString(", ")
		}
		if columns[i] == "pax_index" {
			b.WriteString(v)
		} else {
			b.WriteString(quoted(v, prefix))
		}
	}
	return b.String()
}

func writeMySQL(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprint(w, "-- MySQL dump\n/*!40101 SET NAMES utf8 */;\nCREATE TABLE `passengers` (\n")
	for _, c := range columns {
		fmt.Fprintf(w, "  `%s` varchar(64) DEFAULT NULL COMMENT 'a; b',\n", c)
	}
	fmt.Fprint(w, "  KEY `k` (`pnr`)\n) ENGINE=InnoDB;\nLOCK TABLES `passengers` WRITE;\n")
	for done := 0; done < n; {
		fmt.Fprint(w, "INSERT INTO `passengers` VALUES ")
		for k := 0; k < 100 && done < n; k++ {
			if k > 0 {
				_ = w.WriteByte(',')
			}
			p := g.Next()
			fmt.Fprintf(w, "(%s)", strings.ReplaceAll(tuple(&p, ""), "O''NEILL", `O\'NEILL`))
			done++
		}
		fmt.Fprint(w, ";\n")
	}
	fmt.Fprint(w, "UNLOCK TABLES;\n")
}

func writePostgres(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprint(w, "SET client_encoding = 'UTF8';\n")
	for range n {
		p := g.Next()
		fmt.Fprintf(w, "INSERT INTO public.passengers (%s) VALUES (%s);\n", strings.Join(columns, ", "), tuple(&p, ""))
	}
}

func writeCopy(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprintf(w, "COPY public.passengers (%s) FROM stdin;\n", strings.Join(columns, ", "))
	for range n {
		p := g.Next()
		for i, v := range values(&p) {
			if i > 0 {
				_ = w.WriteByte('\t')
			}
			if v == "" {
				v = `\N`
			}
			_, _ = w.WriteString(v)
		}
		_ = w.WriteByte('\n')
	}
	fmt.Fprint(w, "\\.\n\nSELECT 1;\n")
}

func writeMSSQL(g *Generator, w *bufio.Writer, n int) {
	for i := range n {
		p := g.Next()
		fmt.Fprintf(w, "INSERT [dbo].[Passengers] ([%s]) VALUES (%s)\r\n", strings.Join(columns, "], ["), tuple(&p, "N"))
		if i%100 == 99 {
			fmt.Fprint(w, "GO\r\n")
		}
	}
}

func writeOracle(g *Generator, w *bufio.Writer, n int) {
	for done := 0; done < n; {
		fmt.Fprint(w, "INSERT ALL\n")
		for k := 0; k < 50 && done < n; k++ {
			p := g.Next()
			born := p.Birth.Format("2006-01-02")
			t := strings.Replace(tuple(&p, ""), "'"+born+"'", "TO_DATE('"+born+"', 'YYYY-MM-DD')", 1)
			fmt.Fprintf(w, "  INTO PASSENGERS (%s) VALUES (%s)\n", strings.Join(columns, ", "), t)
			done++
		}
		fmt.Fprint(w, "SELECT * FROM dual;\n")
	}
}

func writeJSONLines(g *Generator, w *bufio.Writer, n int) {
	for range n {
		p := g.Next()
		fmt.Fprintf(w, `{"pnr":%q,"carrier":%q,"bookingDate":%q,"name":{"last":%q,"first":%q},"dob":%q,"nationality":%q,"passport":{"number":%q},"email":%q,"ticketNo":%q,"legs":[{"dep":%q,"arr":%q}]}`+"\n",
			p.Locator, p.Carrier, p.Created.Format("2006-01-02"), p.Surname, p.Given, p.Birth.Format("2006-01-02"), p.Nationality, p.Passport, p.Email, p.Ticket, p.From, p.To)
	}
}

func writeJSON(g *Generator, w *bufio.Writer, n int) {
	fmt.Fprint(w, "{\n \"exported\": \"2024-05-01\",\n \"bookings\": [")
	for done := 0; done < n; {
		p := g.Next()
		if done > 0 {
			_ = w.WriteByte(',')
		}
		fmt.Fprintf(w, "\n  {\"recordLocator\": %q, \"carrier\": %q, \"created\": %q, \"passengers\": [", p.Locator, p.Carrier, p.Created.Format("2006-01-02"))
		for first := true; ; first = false {
			if !first {
				_ = w.WriteByte(',')
			}
			fmt.Fprintf(w, "\n    {\"surname\": %q, \"givenName\": %q, \"dateOfBirth\": %q, \"nationality\": %q, \"passportNumber\": %q, \"email\": \"%s\"}",
				p.Surname, p.Given, p.Birth.Format("2006-01-02"), p.Nationality, p.Passport, strings.Replace(p.Email, "@", `\u0040`, 1))
			done++
			if done >= n || g.left == 0 {
				break
			}
			p = g.Next()
		}
		fmt.Fprint(w, "]}")
	}
	fmt.Fprint(w, "\n ]\n}\n")
}
