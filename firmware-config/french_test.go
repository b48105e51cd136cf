package firmwareconfig

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/site/webjson"
	"lanewarden/drivers/trace/line"
	"lanewarden/drivers/trace/plasmagram"
	"lanewarden/drivers/vehicle/plc"
)

// english finds words that French sentences do not have, so that a sentence which was not translated is found.
var english = regexp.MustCompile(`(?i)(^|[ (“"])(the|is|are|not|of|with|expected|found|must|has|have|no|such|and|there)[ ,.:;)]`)

// walk looks through a message that is said in French, and gathers the codes of all messages in it.
func walk(t *testing.T, m message.Message, codes map[string]bool) {
	t.Helper()
	codes[m.Code] = true
	if m.Code == "quoted" {
		t.Errorf("%q is quoted", m.English())
	}
	for _, a := range m.Args {
		switch v := a.Value.(type) {
		case message.Message:
			walk(t, v, codes)
		case message.Str:
			if english.MatchString(string(v)) {
				t.Errorf("%s: argument %s is English: %q", m.Code, a.Name, v)
			}
		}
	}
}

// broken is an example of each mistake in a lane file that has one device. One of driver made is for what none of the
// catalogue's drivers has.
var broken = []struct{ driver, settings, code string }{
	{"tsa", "address: 192.0.2.1:x", "config.no-port"},
	{"tsa", "address: here", "config.no-hostport"},
	{"tsa", "address: 192.0.2.1:1601, n_sigma: a", "config.expected"},
	{"tsa", "address: 192.0.2.1:1601, n_sigma:", "config.expected-nothing"},
	{"tsa", "address: 192.0.2.1:1601, n_sigma: [1]", "config.found-list"},
	{"tsa", "address: 192.0.2.1:1601, n_sigma: 70", "config.too-large"},
	{"tsa", "address: 192.0.2.1:1601, n_sigma: 0", "config.too-small"},
	{"tsa", "adress: 192.0.2.1:1601", "config.meant"},
	{"tsa", "xyzxyzxyzxyz: 1", "config.known"},
	{"tsa", "", "settings.give-link"},
	{"tsa", "address: 192.0.2.1:1601, serial: {port: /dev/null}", "settings.give-one-link"},
	{"n42", "http: {listen: ':1'}, time_zone: Mars", "settings.no-zone"},
	{"tas", "", "config.unknown-driver"},
	{"ionscan", "", "settings.give-folder-link"},
	{"ionscan", "address: 192.0.2.1:1", "settings.need-profile"},
	{"n42", "", "settings.give-folder-http"},
	{"n42", "http: {listen: ':1', cert_file: /dev/null}", "settings.cert-key"},
	{"n42", "http: {listen: ':1', client_ca_file: /dev/null}", "settings.client-ca-tls"},
	{"n42", "http: {listen: ':1', token_file: /nowhere}", "config.file-unread"},
	{"plate", "", "settings.give-http-mqtt"},
	{"plate", "http: {listen: ':1'}, zone: Mars", "settings.plate-zone"},
	{"plate", "mqtt: {broker: 'http://h:1', topic: t}", "config.no-broker"},
	{"plate", "mqtt: {broker: 'mqtt://u:p@h:1', topic: t}", "config.broker-password"},
	{"plate", "mqtt: {broker: 'mqtt://h', topic: t}", "config.broker-port"},
	{"dicos", "", "settings.give-network-folder"},
	{"web", "profile: example-tyre-strip", "settings.give-url-http"},
	{"web", "profile: example-tyre-strip, url: x", "settings.no-url"},
	{"scale", "address: 192.0.2.1:1, ask: '\\q'", "settings.escapes"},
	{"climate", "low: 50, high: 40", "settings.low-high"},
	{"gpio", "", "settings.no-pins"},
	{"gpio", "inputs: [{name: a, pin: P1}, {name: a, pin: P2}]", "settings.twice"},
	{"gpio", "inputs: [{name: a, pin: P1}, {name: b, pin: P1}]", "settings.pin-twice"},
	{"gpio", "inputs: [{name: a, pin: P1}], pairs: [{name: p, first: a, second: x}]", "settings.pair-input"},
	{"gpio", "inputs: [{name: a, pin: P1}], pairs: [{name: p, first: a, second: a}]", "settings.pair-same"},
	{"gpio", "inputs: [{name: a}]", "config.missing"},
	{"line", "address: 192.0.2.1:1, profile: nothing", "config.by-path"},
	{"line", "address: 192.0.2.1:1, profile: nothing", "config.no-builtin"},
	{"made", "mode: quick", "config.not-one-of"},
	{"made", "web: x", "config.no-url"},
	{"wrong", "address: 192.0.2.1:1", "config.default"},
	{"made", "address: 192.0.2.1:1, address: 192.0.2.1:1", "yaml.key-twice"},
}

// brokenDocuments are profiles and libraries with a mistake.
var brokenDocuments = []struct {
	of, text, code string
}{
	{"line", "framing: {end: ''}\nmessages: [{name: a, pattern: x}]", "profile.no-end"},
	{"line", "answer: " + strings.Repeat("a", 257) + "\nmessages: [{name: a, pattern: x}]", "profile.long"},
	{"line", "messages: [{name: a, pattern: '{x'}]", "profile.brace"},
	{"line", "messages: [{name: a, pattern: '{X}'}]", "profile.field-name"},
	{"line", "messages: [{name: a, pattern: '{x:flaot}'}]", "profile.field-type"},
	{"line", "messages: [{name: a, pattern: '{x} {x}'}]", "profile.field-in-pattern"},
	{"line", "messages: [{name: a, pattern: '" + manyFields() + "'}]", "profile.field-count"},
	{"line", "messages: [{name: a, pattern: '{x:time}'}]", "profile.no-times"},
	{"line", "messages: [{name: a, pattern: x, fields: [{name: y}]}]", "profile.no-pattern-field"},
	{"line", "messages: [{name: a, pattern: x, alarm: [{field: y, is: [z]}]}]", "profile.no-pattern-alarm"},
	{"line", "messages: [{name: a, pattern: '{x}', alarm: [{field: x}]}]", "profile.no-condition"},
	{"plc", "low_word_first: true", "profile.no-points"},
	{"plc", "points: [{name: a, table: coil, address: 1, bit: 1}]", "profile.bit"},
	{"plc", "points: [{name: a, table: coil, address: 1}, {name: a, table: coil, address: 2}]", "profile.point-twice"},
	{"plc", "outputs: [{name: a, table: coil, address: 1}, {name: a, table: coil, address: 2}]", "settings.twice"},
	{"plc", "outputs: [{name: a, table: coil, address: 1, safe: half}]", "profile.on-off"},
	{"plc", "outputs: [{name: a, table: holding, address: 1, safe: half}]", "profile.on-off-number"},
	{"plc", "outputs: [{name: a, table: holding, address: 1, safe: '70000'}]", "profile.output-number"},
	{"web", "messages: []", "config.empty-list"},
	{"web", "messages: [{name: a, fields: [" + strings.Repeat("{name: f, path: p}, ", 65) + "]}]", "profile.fields"},
	{"web", "request: x\nmessages: [{name: a, fields: [{name: f, path: p}]}]", "profile.request"},
	{"web", "messages: [{name: a, fields: [{name: f, path: p}]}, {name: a, fields: [{name: f, path: p}]}]",
		"profile.message-twice"},
	{"web", "messages: [{name: a, fields: [{name: f, path: p}, {name: f, path: p}]}]", "profile.field-twice"},
	{"web", "messages: [{name: a, fields: [{name: f, path: " + strings.Repeat("p", 201) + "}]}]", "profile.path-long"},
	{"web", "messages: [{name: a, fields: [{name: f, path: p}], alarm: [{field: g, is: [x]}]}]", "profile.alarm-field"},
}

// brokenSubstances are libraries of substances with a mistake.
var brokenSubstances = map[string]string{
	"substances.twice":          "substances: [" + substance(1) + ", " + substance(1) + "]",
	"substances.require":        "substances: [" + substance(2) + "]",
	"substances.two-calibrants": "calibrants: [" + calibrant + ", " + calibrant + "]\nsubstances: [" + substance(1) + "]",
}

const calibrant = "{name: c, polarity: positive, k0: 1, source: s}"

func substance(require int) string {
	return fmt.Sprintf("{name: x, category: narcotic, polarity: positive, require: %d, "+
		"peaks: [{adduct: a, k0: 1, source: s}]}", require)
}

func manyFields() string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "{x%d} ", i)
	}
	return strings.TrimSpace(b.String())
}

// brokenYAML are files that are none.
var brokenYAML = map[string]string{
	"config.documents":      "",
	"config.file":           "- a",
	"config.yaml-tabs":      "site:\n\tid: a",
	"yaml.tab-start":        "site:\n\tid: a",
	"yaml.no-close-brace":   "site: {id: a",
	"yaml.no-close-bracket": "lanes: [a",
	"yaml.no-end-double":    `site: "a`,
	"yaml.no-end-single":    "site: 'a",
	"yaml.no-map":           "site: {id: a}\nagent\n",
	"yaml.mapping-context":  "site: a: b",
	"yaml.reserved":         "site: @a",
	"yaml.escape":           `site: "\q"`,
	"yaml.no-open-bracket":  "lanes: ]",
	"yaml.key-name":         "site:\n  a\n  b: 1",
	"yaml.anchor":           "site: &",
	"yaml.alias":            "site: *",
	"yaml.sequence-context": "site: - a",
	"yaml.end":              "--- |\n a\n... b",
	"yaml.two-commas":       "lanes: [,]",
}

// brokenFiles are lane files that are wrong as a whole.
var brokenFiles = map[string]string{
	"config.no-id":     "site: {id: S}",
	"config.no-lane":   "devices: [{id: d, driver: made, lane: m}]",
	"config.no-device": "lanes: [{id: l, stations: [{id: a, position: 1, devices: [x]}]}]",
	"config.id-taken":  "lanes: [{id: l}, {id: l}]",
	"config.empty":     "lanes: [{id: ''}]",
	"config.station-order": "lanes: [{id: l, stations: [{id: a, position: 2, devices: [x]}, " +
		"{id: b, position: 1, devices: [y]}]}]",
	"config.no-booth": "lanes: [{id: l, stations: [{id: a, position: 1, devices: [x]}], clearance: {policy: csa-land, booth: b}}]\n" +
		"devices: [{id: x, driver: clock, lane: l}]",
	"config.two-stations": "lanes: [{id: l, stations: [{id: a, position: 1, devices: [x]}, " +
		"{id: b, position: 1, devices: [x]}]}]",
	"config.unknown-key": "sites: {}",
	"config.accounts":    "console: {client_ca_file: /dev/null}",
	"config.reached":     "console: {listen: ':80'}",
	"settings.cert-key":  "console: {cert_file: /dev/null}",
}

// laneFile is a file without a mistake but for a lane's and a device's.
func laneFile(lanes, device string) string {
	return "site: {id: s}\nagent: {id: a}\nlanes: " + lanes + "\ndevices: [" + device + "]\n"
}

// TestErrorsInFrench: every mistake that a lane file, a profile or a library can have is said in French without a word
// of English, at the same place as in English. Each code that this package, its documents and drivers' settings say
// has an example here.
func TestErrorsInFrench(t *testing.T) {
	specs := append(slices.Clone(drivers.Catalog), madeSpecs[0], driver.Spec{Name: "wrong", Config: &wrongDefaults{}})
	codes := map[string]bool{}
	check := func(code string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", code)
			return
		}
		m, seen := message.Of(err), map[string]bool{}
		walk(t, m, seen)
		maps.Copy(codes, seen)
		if !seen[code] {
			t.Errorf("%s is not said: %v", code, err)
		}
		if fr := m.In(message.French); fr == m.English() {
			t.Errorf("%s: %q in French", code, fr)
		}
	}
	for _, c := range broken {
		_, err := Decode([]byte(laneFile("[{id: l}]", "{id: d, driver: "+c.driver+", lane: l, settings: {"+c.settings+"}}")),
			"lane.yaml", specs)
		check(c.code, err)
	}
	for code, text := range brokenYAML {
		_, err := Decode([]byte(text), "lane.yaml", specs)
		check(code, err)
	}
	for code, text := range brokenFiles {
		_, err := Decode([]byte(text), "lane.yaml", specs)
		check(code, err)
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	load := func(code string, ref driver.Reference, text string) {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		check(code, LoadDocument(ref, Profiles, path))
	}
	for _, c := range brokenDocuments {
		var ref driver.Reference = &driver.Ref[line.Profile]{}
		switch c.of {
		case "plc":
			ref = &driver.Ref[plc.Profile]{}
		case "web":
			ref = &driver.Ref[webjson.Profile]{}
		}
		load(c.code, ref, "name: s\ntitle: t\nmanual: m\n"+c.text)
	}
	for code, text := range brokenSubstances {
		load(code, &driver.Ref[plasmagram.Library]{}, "name: s\ntitle: t\nversion: v\n"+text)
	}
	for code, lanes := range map[string]string{
		"config.no-own-lane": "[{id: l, stations: [{id: s, position: 0, devices: [d]}]}]",
		"config.own-lane":    "[{id: m}, {id: l, stations: [{id: s, position: 0, devices: [d]}]}]",
		"config.own-lanes": "[{id: m}, {id: l, stations: [{id: s, position: 0, devices: [d]}]}, " +
			"{id: n, stations: [{id: s, position: 0, devices: [d]}]}]",
	} {
		of := ", lane: m"
		if code == "config.no-own-lane" {
			of = ""
		}
		_, err := Decode([]byte(laneFile(lanes, "{id: d, driver: clock"+of+"}")), "lane.yaml", specs)
		check(code, err)
	}
	for code, paths := range map[string]string{
		"config.no-hours":  "[{id: cellular, artifacts: night}]",
		"config.path-main": "[{id: main}]",
	} {
		_, err := Decode([]byte(laneFile("[{id: l}]", "{id: d, driver: clock}")+
			"uplink: {broker: 'mqtt://h.example:1883', paths: "+paths+"}\n"), "lane.yaml", specs)
		check(code, err)
	}
	_, err := FindDriver("tsaa", drivers.Catalog)
	check("config.no-driver", err)
	_, err = Decode(make([]byte, maxFileBytes+1), "lane.yaml", specs)
	check("config.size", err)
	_, err = Load(filepath.Join(t.TempDir(), "absent"), specs)
	check("file.missing", err)
	_, err = below("/tmp", "../profile.yaml")
	check("config.outside", err)
	check("config.together", checkTogether([]Lane{manyDevices("l", 0), manyDevices("m", 40)}))
	for _, code := range message.Codes() {
		topic, _, _ := strings.Cut(code, ".") // "config" itself is doctor's
		if topic != code && slices.Contains([]string{"config", "settings", "substances", "profile"}, topic) &&
			!codes[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("%s has no example here", code)
		}
	}
}

// elsewhere are codes of these topics that no lane file leads to: certificates that are read when an endpoint opens,
// what is said of a value that a profile's rule holds for, what an empty list is refused for before, a key that the YAML parser finds twice before, doctor's, and a warning.
var elsewhere = []string{"settings.key-pair", "settings.no-certificate", "profile.is", "profile.above", "profile.below",
	"profile.no-messages", "substances.none", "config.key-twice", "config.do", "config.secret-open"}

// wrongDefaults has a default that is none, as a mistake in a driver would be.
type wrongDefaults struct {
	Address string `yaml:"address" help:"adresse"`
	Count   int    `yaml:"count" default:"x" help:"nombre"`
}

// manyDevices is a lane with 60 devices at its station, numbered from first.
func manyDevices(id string, first int) Lane {
	s := Station{ID: "s"}
	for i := range 60 {
		s.Devices = append(s.Devices, fmt.Sprint("d", first+i))
	}
	return Lane{ID: id, Stations: []Station{s}}
}
