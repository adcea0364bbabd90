package identifier

import "strings"

// ISO 3166-1: alpha-2 and alpha-3, in pairs.
const countries = `AF AFG AX ALA AL ALB DZ DZA AS ASM AD AND AO AGO AI AIA AQ ATA AG ATG AR ARG AM ARM AW ABW AU AUS AT AUT AZ AZE
BS BHS BH BHR BD BGD BB BRB BY BLR BE BEL BZ BLZ BJ BEN BM BMU BT BTN BO BOL BQ BES BA BIH BW BWA BV BVT BR BRA IO IOT BN BRN BG BGR
BF BFA BI BDI CV CPV KH KHM CM CMR CA CAN KY CYM CF CAF TD TCD CL CHL CN CHN CX CXR CC CCK CO COL KM COM CG COG CD COD CK COK CR CRI
CI CIV HR HRV CU CUB CW CUW CY CYP CZ CZE DK DNK DJ DJI DM DMA DO DOM EC ECU EG EGY SV SLV GQ GNQ ER ERI EE EST SZ SWZ ET ETH FK FLK
FO FRO FJ FJI FI FIN FR FRA GF GUF PF PYF TF ATF GA GAB GM GMB GE GEO DE DEU GH GHA GI GIB GR GRC GL GRL GD GRD GP GLP GU GUM GT GTM
GG GGY GN GIN GW GNB GY GUY HT HTI HM HMD VA VAT HN HND HK HKG HU HUN IS ISL IN IND ID IDN IR IRN IQ IRQ IE IRL IM IMN IL ISR IT ITA
JM JAM JP JPN JE JEY JO JOR KZ KAZ KE KEN KI KIR KP PRK KR KOR KW KWT KG KGZ LA LAO LV LVA LB LBN LS LSO LR LBR LY LBY LI LIE LT LTU
LU LUX MO MAC MG MDG MW MWI MY MYS MV MDV ML MLI MT MLT MH MHL MQ MTQ MR MRT MU MUS YT MYT MX MEX FM FSM MD MDA MC MCO MN MNG ME MNE
MS MSR MA MAR MZ MOZ MM MMR NA NAM NR NRU NP NPL NL NLD NC NCL NZ NZL NI NIC NE NER NG NGA NU NIU NF NFK MK MKD MP MNP NO NOR OM OMN
PK PAK PW PLW PS PSE PA PAN PG PNG PY PRY PE PER PH PHL PN PCN PL POL PT PRT PR PRI QA QAT RE REU RO ROU RU RUS RW RWA BL BLM SH SHN
KN KNA LC LCA MF MAF PM SPM VC VCT WS WSM SM SMR ST STP SA SAU SN SEN RS SRB SC SYC SL SLE SG SGP SX SXM SK SVK SI SVN SB SLB SO SOM
ZA ZAF GS SGS SS SSD ES ESP LK LKA SD SDN SR SUR SJ SJM SE SWE CH CHE SY SYR TW TWN TJ TJK TZ TZA TH THA TL TLS TG TGO TK TKL TO TON
TT TTO TN TUN TR TUR TM TKM TC TCA TV TUV UG UGA UA UKR AE ARE GB GBR US USA UM UMI UY URY UZ UZB VU VUT VE VEN VN VNM VG VGB VI VIR
WF WLF EH ESH YE YEM ZM ZMB ZW ZWE`

// Further codes that ICAO 9303-3 section 5 gives to nationalities and issuers, and the specimen state.
const icaoCodes = `D GBD GBN GBO GBP GBS UNO UNA UNK XOM XXA XXB XXC XXX XBA XIM XCC XCO XEC XPO XES XMP XDC XCE EUE RKS IAO XCT UTO ZIM ROM TMP`

// Accounting (prefix) codes of airlines whose tickets are common. A ticket of an airline that is not
// listed still counts with stronger context.
const accounting = `1 5 6 12 14 16 18 20 23 26 27 37 44 45 47 48 50 53 55 57 59 61 64 65 70 71 72 74 75 77 79 80 81 82 83 86 95 96 97
98 100 101 105 106 108 114 115 117 118 123 124 125 126 127 128 130 131 132 133 134 135 139 141 142 145 147 157 160 165 169 172 173
176 180 181 182 183 186 189 195 199 201 203 205 209 214 217 218 220 229 230 232 235 237 239 250 256 257 258 260 265 266 275 279 281
285 288 293 297 298 301 309 312 316 324 328 336 345 348 353 378 390 395 402 403 407 413 420 421 422 432 434 447 450 452 462 465 476
479 481 486 489 501 511 512 513 514 518 519 520 526 532 539 541 544 545 547 549 550 552 555 566 572 573 574 577 580 589 598 601 603
605 607 608 615 618 619 623 624 629 631 635 636 641 643 649 656 657 672 675 680 687 691 695 700 706 716 724 725 731 738 745 756 760
765 771 774 776 781 784 786 790 795 803 807 810 811 816 825 826 827 828 829 831 836 839 843 847 849 850 851 858 859 865 866 870 872
876 877 880 881 886 891 893 895 898 900 905 906 908 909 910 911 915 920 923 926 930 932 933 937 944 947 950 952 954 957 958 960 968
975 976 978 985 988 989 996 997 999`

var alpha3, alpha2 = countryTables()

// countryTables gives known codes by letter value (three letters) and the way from two to three.
func countryTables() (known map[[3]byte]bool, two map[[2]byte][3]byte) {
	known, two = map[[3]byte]bool{}, map[[2]byte][3]byte{}
	pairs := strings.Fields(countries)
	for i := 0; i+1 < len(pairs); i += 2 {
		three := [3]byte([]byte(pairs[i+1]))
		known[three] = true
		two[[2]byte([]byte(pairs[i]))] = three
	}
	for _, c := range strings.Fields(icaoCodes) {
		var three [3]byte
		copy(three[:], c)
		known[three] = true
	}
	return known, two
}

var accountingCodes = func() (set [1000]bool) {
	for _, f := range strings.Fields(accounting) {
		set[number([]byte(f))] = true
	}
	return set
}()

// KnownNationality says whether the code is one of ISO 3166-1 (alpha-2 or alpha-3) or ICAO 9303-3.
func KnownNationality(p []byte) bool { return Nationality(p) != [3]byte{} }

// Nationality gives the three-letter form of a code, or zeros.
func Nationality(p []byte) (code [3]byte) {
	switch len(p) {
	case 1, 3:
		for i, c := range p {
			if c >= 'a' && c <= 'z' {
				c -= 32
			}
			code[i] = c
		}
		if code == [3]byte{'D'} {
			return [3]byte{'D', 'E', 'U'}
		}
		if !alpha3[code] {
			return [3]byte{}
		}
	case 2:
		return alpha2[[2]byte{p[0] &^ 0x20, p[1] &^ 0x20}]
	}
	return code
}

// Tag packs a three-letter code into a number other than zero; Untag gives it back.
func Tag(code [3]byte) uint16 {
	var n uint16
	for _, c := range code {
		if c < 'A' || c > 'Z' {
			return 0
		}
		n = n*27 + uint16(c-'A'+1)
	}
	return n
}

// Untag gives the code of a tag, "" for 0.
func Untag(tag uint16) string {
	if tag == 0 {
		return ""
	}
	return string([]byte{'A' - 1 + byte(tag/729), 'A' - 1 + byte(tag/27%27), 'A' - 1 + byte(tag%27)})
}

var issuers = func() [][]byte {
	list := [][]byte{make([]byte, 3), {}, []byte("NI")}
	for code := range alpha3 {
		list = append(list, []byte(strings.TrimRight(string(code[:]), "\x00")))
	}
	return list
}()

// Issuers lists every code a document's issuer can have, and the forms for none. It is read only.
func Issuers() [][]byte { return issuers }
