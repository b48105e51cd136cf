package scale

import "regexp"

// dialect describes the line format of a family of scales. A new maker is a row of this table, not code.
//
// The named groups of a line are: weight, unit, tare (a tare in the unit of the weight), and those of words, which
// stand for what the scale says. Groups that are absent or blank say nothing, but for the words that the table has
// for "".
type dialect struct {
	name   string // as the setting says it
	source string // manual and section
	lines  []*regexp.Regexp
	words  map[string]map[string]said // group, then its text without blanks
	bits   [7]said                    // of the one character of group bits, lowest first
	stx    bool                       // a line counts only behind STX
	// bare reports that a weight without unit counts with dialect auto too, because the rest of the line is
	// unmistakable.
	bare bool
}

// The parts of lines. A number may have its sign before blanks, zeros or blanks in front, and a point or a comma.
const (
	num  = `[+-]?[ ]*(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)`
	unit = `(?i:kgs?|lbs?|oz|tn|ton|g|t)`
)

func lines(patterns ...string) (out []*regexp.Regexp) {
	for _, p := range patterns {
		out = append(out, regexp.MustCompile(p))
	}
	return out
}

// dialects are tried in this order: the unmistakable ones first, and one that was understood goes on being tried
// first.
var dialects = []*dialect{
	{
		name: "sics", source: "Mettler Toledo MT-SICS, levels 0 and 1: S, SI, SIR, SR, SNR; TA, T, TI, TAC; ES, ET, EL",
		lines: lines(
			`^S(?:I|IR|R|NR)? (?P<status>[SDI+-])(?: +(?P<weight>`+num+`) *(?P<unit>[A-Za-z]+))? *$`,
			`^T(?P<kind>A|I|AC)? (?P<done>[ASDIL+-])(?: +(?P<weight>`+num+`) *(?P<unit>[A-Za-z]+))? *$`,
			`^E(?P<error>[STL])$`,
			`^(?:@|I[0-9]+|Z|ZI|K|C[0-9]|D|SIX1) ?(?P<other>[A-Z].*)?$`,
		),
		words: map[string]map[string]said{
			"status": {"S": stable, "D": motion, "I": 0, "+": overload, "-": underload},
			"done":   {"A": tare, "S": tare, "D": tare, "I": invalid, "L": invalid, "+": invalid, "-": invalid},
		},
	},
	{
		name: "sma", source: "Scale Manufacturers Association SCP-0499, 5.1 standard scale response",
		lines: lines(
			`^(?P<status>[ZOUEIT ])(?P<range>[0-9])(?P<mode>[GTNgn])(?P<motion>[M ]).(?P<weight>[ 0-9+.,-]{10})(?P<unit>.{0,3})$`,
			`^(?P<command>[?!])$`,
			`^(?:SMA|MFG|MOD|REV|SN |OP\d|TYP|CAP|CMD|END):(?P<other>.*)$`,
		),
		words: map[string]map[string]said{
			"status": {"O": overload, "U": underload, "E": invalid, "I": invalid, "T": invalid},
			"mode":   {"G": gross, "g": gross, "N": net, "n": net, "T": tare},
			"motion": {"M": motion, "": stable},
		},
		bare: true,
	},
	{
		name: "st", source: "A&D standard format; Dini Argeo standard and extended strings; CAS 22 and 18 bytes; " +
			"Ohaus, Yaohua, Keli after them",
		lines: lines(
			// Dini, extended: status, net weight, tare (PT: entered by hand), pieces, unit.
			`^(?:[0-9]{1,2},)?(?P<status>ST|US|OL|UL|TL), *(?P<net>)(?P<weight>[+-]?[ ]*[0-9.]+),(?:PT|  )? *(?P<tare>[0-9.]+), *[0-9]+, *(?P<unit>`+unit+`) *$`,
			// CAS has its address and its lamps, a byte each, before the weight.
			`^(?:[0-9]{1,3},)? *(?P<status>ST|US|OL|UL|OF|UF|TL|SD|ER) *,(?: *(?P<mode>GS|NT|TR|PT|GR|G|N|NET|GROSS) *,)?`+
				`(?:[^,]?,[^,]?,)? *(?P<weight>`+num+`)?[ ,]*(?P<unit>`+unit+`)?(?:[ ,].*)?$`,
		),
		words: map[string]map[string]said{
			"status": {"ST": stable, "US": motion, "SD": motion, "OL": overload, "OF": overload,
				"UL": underload, "UF": underload, "TL": invalid, "ER": invalid},
			"mode": {"GS": gross, "GR": gross, "G": gross, "GROSS": gross, "NT": net, "N": net,
				"NET": net, "TR": tare, "PT": tare},
			"net": {"": net},
		},
		bare: true,
	},
	{
		name: "rice-lake",
		source: "Rice Lake 680 and 482 manuals, stream format RLWS and Consolidated Controls; Transcell TI-1680, " +
			"Condec continuous string",
		lines: lines(`^(?P<weight>[ +-]?[ ]*[0-9.]{1,8})(?P<unit>[LKTGO ])(?P<mode>[GN])(?P<status>[ IMOZ])? *$`),
		words: map[string]map[string]said{
			"mode": {"G": gross, "N": net}, "status": {"": stable, "Z": stable, "M": motion,
				"O": overload, "I": invalid},
		},
		bare: true,
	},
	{
		name: "cardinal", source: "Rice Lake 680 and 482 manuals, stream format Cardinal; Cardinal 200 series, SB-400",
		lines: lines(
			`^(?P<weight>[+-]?[ ]*[0-9.]{5,8})(?P<status>[ moe]) (?P<unit>lb|kg|g |tn|t |oz|  ) (?P<mode>[gn]) *$`),
		words: map[string]map[string]said{
			"mode": {"g": gross, "n": net}, "status": {"": stable, "m": motion, "o": overload, "e": invalid},
		},
		bare: true,
	},
	{
		name:   "avery",
		source: "Rice Lake 680 and 482 manuals, stream format Avery Weigh-Tronix: it does not tell motion",
		lines:  lines(`^ ?(?P<mode>[GNgn]) ?(?P<weight>[+-][ ]*[0-9.]{4,8}) (?P<unit>[A-Za-z ]{0,2}) *$`),
		words:  map[string]map[string]said{"mode": {"G": gross, "g": gross, "N": net, "n": net}},
		bare:   true,
	},
	{
		name: "rinstrum", source: "Rinstrum R320 manual, automatic output, format A",
		lines: lines(
			`^(?P<weight>[ +-]?[ ]*[0-9.]{1,8})(?P<mode>[GN])(?P<motion>[MS])(?P<status>[IOU ])(?P<zero>[Z ])? *$`),
		words: map[string]map[string]said{
			"mode": {"G": gross, "N": net}, "motion": {"M": motion, "S": stable},
			"status": {"O": overload, "U": underload, "I": invalid},
		},
		stx: true, bare: true,
	},
	{
		name:   "toledo-8217",
		source: "Mettler Toledo 8217 (Viva) interface: the answer to W; while there is no weight, ? and a status byte",
		lines:  lines(`^\?(?P<bits>.)$`, `^(?P<weight>`+num+`)(?P<mode>N)?$`),
		words:  map[string]map[string]said{"mode": {"": gross, "N": net}},
		// bit 3: outside the range of zero capture; 4: centre of zero
		bits: [7]said{motion, overload, underload, invalid, 0, net, 0},
		stx:  true, bare: true,
	},
	{
		name:   "generic",
		source: "a number with a unit, and the usual words in English, French and German before or behind it",
		lines: lines(
			// A digit and one blank before the number would make it one of two halves: 42 100 kg.
			`^(?P<before> *|.*[A-Za-z:=;()*?~] *|.*[0-9.,:]  +)(?P<weight>`+num+`) *(?P<unit>`+
				unit+`)(?P<after>[^A-Za-z0-9].*)?$`,
			`^(?P<before>[A-Za-z:=,; ]*[^0-9A-Za-z.,+-])?(?P<weight>`+num+`)(?P<after> *[A-Za-z?*~ ]*)$`,
			`^(?P<before>[-_*^A-Za-z. ]*)$`,
		),
		words: map[string]map[string]said{"before": generic, "after": generic},
	},
}

// generic are the words of scales that no other row knows.
var generic = map[string]said{
	"ST": stable, "STABLE": stable, "S": stable, "US": motion, "UNSTABLE": motion, "MOTION": motion,
	"MOT": motion, "M": motion, "D": motion, "?": motion, "~": motion,
	"OL": overload, "OVER": overload, "OVERLOAD": overload, "OVR": overload, "UL": underload,
	"UNDER": underload, "UNDERLOAD": underload,
	"ERR": invalid, "ERROR": invalid, "INVALID": invalid,
	"G": gross, "GS": gross, "GR": gross, "GROSS": gross, "BRUT": gross, "BRUTTO": gross, "BRUTO": gross,
	"BR": gross, "B": gross, "LORDO": gross,
	"N": net, "NT": net, "NET": net, "NETT": net, "NETTO": net, "NETO": net, "T": tare, "TR": tare,
	"TARE": tare, "TARA": tare, "TA": tare, "PT": tare,
}
