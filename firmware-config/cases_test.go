package firmwareconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers"
	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// made is a driver that only these tests have: a setting of each type.
type made struct {
	Address string            `yaml:"address" required:"true" format:"hostport" example:"192.0.2.1:1601" help:"where it is"`
	Count   int               `yaml:"count" default:"3" min:"1" max:"9" unit:"cm" help:"how many"`
	Share   float64           `yaml:"share" min:"0.5" max:"1.5" help:"how much"`
	Pause   time.Duration     `yaml:"pause" default:"2s" min:"1s" max:"1m" help:"how long"`
	On      bool              `yaml:"on" help:"whether"`
	Mode    string            `yaml:"mode" enum:"fast,slow" help:"which"`
	Zone    string            `yaml:"zone" format:"timezone" help:"where"`
	Web     string            `yaml:"web" format:"url" help:"page"`
	File    string            `yaml:"file" format:"file" help:"file"`
	Broker  string            `yaml:"broker" format:"broker" help:"broker"`
	List    []int             `yaml:"list" help:"several"`
	Inner   *inner            `yaml:"inner" help:"more"`
	Drop    *transport.Folder `yaml:"drop" help:"folder"`
	Serial  *transport.Serial `yaml:"serial" help:"line"`
	Names   map[string]string `yaml:"-"`
}

type inner struct {
	Listen string `yaml:"listen" required:"true" format:"hostport" help:"port"`
	Depth  int    `yaml:"depth" default:"7" help:"depth"`
}

func (m made) Check() error {
	if m.Mode == "fast" && m.Count > 5 {
		return errors.New("fast allows 5 at most")
	}
	return nil
}

var madeSpecs = []driver.Spec{{Name: "made", Title: "Made up", Config: &made{}}}

const head = "site: {id: s}\nagent: {id: a}\nlanes: [{id: l}]\ndevices:\n  - id: d\n    driver: made\n    lane: l\n    settings:\n      address: 192.0.2.1:1601\n"

// TestProblemsHaveTheirPlace: each kind of mistake in a setting is told with line, column, the setting's path, what was
// found and what was expected.
func TestProblemsHaveTheirPlace(t *testing.T) {
	for name, c := range map[string]struct{ add, want string }{
		"right":              {"count: 4", ""},
		"number as text":     {"count: four", `lane.yaml:10:14: devices[0].settings.count: expected a whole number (cm, without the unit), found "four"`},
		"number with a unit": {"count: 4cm", `10:14: devices[0].settings.count: expected a whole number (cm, without the unit), found "4cm"`},
		"fraction":           {"count: 4.5", "expected a whole number"},
		"underscores":        {"count: 0_4", ""},
		"least":              {"count: 1", ""},
		"too small":          {"count: 0", "0 is too small: the least is 1 cm"},
		"most":               {"count: 9", ""},
		"too large":          {"count: 10", "10 is too large: the most is 9 cm"},
		"share":              {"share: 1.5", ""},
		"share too large":    {"share: 1.51", "1.51 is too large: the most is 1.5"},
		"share too small":    {"share: 0.49", "0.49 is too small: the least is 0.5"},
		"share as text":      {"share: much", `expected a number, found "much"`},
		"time":               {"pause: 1m", ""},
		"time without unit":  {"pause: 10", `expected a time with its unit, such as 10s or 500ms, found "10"`},
		"time too short":     {"pause: 999ms", "999ms is too small: the least is 1s"},
		"time too long":      {"pause: 61s", "61s is too large: the most is 1m"},
		"yes":                {"on: yes", `expected true or false, found "yes"`},
		"quoted true":        {`on: "true"`, `expected true or false, found "true"`},
		"another mode":       {"mode: fasst", `"fasst" is not one of fast, slow; did you mean "fast"?`},
		"far from any mode":  {"mode: xyzxyzxyzxyz", `"xyzxyzxyzxyz" is not one of fast, slow`},
		"unknown key":        {"cuont: 4", `10:7: devices[0].settings: unknown key "cuont"; did you mean "count"?`},
		"twice":              {"count: 4\n      count: 5", `key "count" `},
		"zone":               {"zone: America/Toronto", ""},
		"no zone":            {"zone: Mars/Olympus", "Mars/Olympus"},
		"page":               {"web: https://x.example/a", ""},
		"no page":            {"web: ftp://x.example", `"ftp://x.example" is no address of a page`},
		"page without host":  {"web: 'https://'", "is no address of a page"},
		"no file":            {"file: /nowhere/x", "file cannot be read: /nowhere/x is not there"},
		"broker":             {"broker: mqtts://h.example:8883", ""},
		"web as broker":      {"broker: https://h.example:8883", "is no broker: write mqtt://HOST:PORT"},
		"broker's password":  {"broker: mqtt://u:secret@h.example:1883", "holds a password: put it into a file"},
		"broker's port":      {"broker: mqtt://h.example", "has no port: brokers listen on 1883"},
		"list":               {"list: [1, 2]", ""},
		"no list":            {"list: 1", `expected a list (lines that begin with '- '), found "1"`},
		"wrong in a list":    {"list: [1, x]", `10:17: devices[0].settings.list[1]: expected a whole number, found "x"`},
		"block":              {"inner: {listen: ':80'}", ""},
		"no block":           {"inner: 3", `devices[0].settings.inner: expected a block of keys, found "3"`},
		"nothing for a text": {"mode:", "devices[0].settings.mode: expected a text, found nothing"},
		"a list for a text":  {"mode: [a]", "expected a text, found a list"},
		"a block for a text": {"mode: {a: b}", "expected a text, found a block of keys"},
		"missing in a block": {"inner: {depth: 3}", `devices[0].settings.inner: key "listen" is missing: port`},
		"port too large":     {"inner: {listen: ':65536'}", `port "65536" is not a number from 0 to 65535`},
		"port zero":          {"inner: {listen: ':0'}", ""},
		"negative port":      {"inner: {listen: ':-1'}", `port "-1" is not a number`},
		"no port":            {"inner: {listen: here}", `"here" is no address: write HOST:PORT`},
		"check":              {"count: 6\n      mode: fast", "devices[0].settings: fast allows 5 at most"},
		"check's bound":      {"count: 5\n      mode: fast", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(head+"      "+c.add+"\n"), "lane.yaml", madeSpecs)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("error %v\nwant %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("the password is shown")
			}
		})
	}
}

// TestProblemsInTheOrderOfLines: all that is wrong is told at once, a missing address with its example.
func TestProblemsInTheOrderOfLines(t *testing.T) {
	text := "site: {id: S}\nagent: {}\nlanes: [{id: l}]\ndevices:\n  - {id: d, driver: mad, lane: m}\n  - {id: d, driver: made, lane: l}\n"
	_, err := Decode([]byte(text), "lane.yaml", madeSpecs)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	for i, want := range []string{
		`1:12: site.id: "S" is no id`, `2:`, `there is no lane "m"`, `unknown driver "mad"; did you mean "made"?`,
		`key "address" is missing: where it is, for example 192.0.2.1:1601`, `id "d" is taken already, in line 5`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%d: no %q in\n%v", i, want, err)
		}
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Line < problems[i-1].Line {
			t.Errorf("line %d after %d", problems[i].Line, problems[i-1].Line)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "x.yaml: file is empty"},
		"two documents": {"a: 1\n---\nb: 2\n", "more than one document"},
		"a list":        {"- a\n", "x.yaml:1:1: file: expected a block of keys, found a list"},
		"bad YAML":      {"site: {id: a\n", "not valid YAML"},
		"huge":          {strings.Repeat("#", maxFileBytes+1), "is over the limit of 4194304"},
	} {
		_, err := Decode([]byte(c.text), "x.yaml", madeSpecs)
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent"), madeSpecs); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// TestLoadRemembersTheFile: where it was read from, as an absolute path, with its text and hash.
func TestLoadRemembersTheFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("lane.yaml", []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load("lane.yaml", madeSpecs)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(c.File) || c.Text != head || c.SHA256 == [32]byte{} {
		t.Errorf("file %q, %d bytes", c.File, len(c.Text))
	}
}

func device(t *testing.T, settings string) Device {
	t.Helper()
	c, err := Decode([]byte(head+settings), "lane.yaml", madeSpecs)
	if err != nil {
		t.Fatal(err)
	}
	return c.Devices[0]
}

func TestEndpoints(t *testing.T) {
	d := device(t, "      broker: mqtt://h.example:1883\n      inner: {listen: '127.0.0.1:80'}\n      drop: {path: /in}\n      serial: {port: /dev/ttyS0}\n")
	want := map[string]Endpoint{
		"address":      {Kind: Dials, Where: "192.0.2.1:1601"},
		"broker":       {Kind: Broker, Where: "mqtt://h.example:1883"},
		"inner.listen": {Kind: Listens, Where: "127.0.0.1:80"},
		"drop":         {Kind: Drop, Where: "/in"},
		"serial":       {Kind: Line, Where: "/dev/ttyS0"},
	}
	got := d.Endpoints()
	if len(got) != len(want) {
		t.Errorf("%d endpoints: %+v", len(got), got)
	}
	for _, e := range got {
		if w := want[e.Field]; e.Kind != w.Kind || e.Where != w.Where || (e.Serial != nil) != (e.Kind == Line) {
			t.Errorf("%+v, want %+v", e, w)
		}
	}
	if got := device(t, "").Endpoints(); len(got) != 1 {
		t.Errorf("settings that are not given have places: %+v", got)
	}
}

// TestInForce: the settings that count, with what stands in for those that are not given.
func TestInForce(t *testing.T) {
	all := map[string]Setting{}
	for _, s := range device(t, "      count: 4\n      inner: {listen: ':80'}\n      list: [5, 6]\n").InForce() {
		all[s.Name] = s
	}
	for name, want := range map[string]Setting{
		"address":      {Value: "192.0.2.1:1601"},
		"count":        {Value: "4", Unit: message.Text{EN: "cm", FR: "cm"}},
		"pause":        {Value: "2s", Default: true},
		"on":           {Value: "false", Default: true},
		"inner.listen": {Value: ":80"},
		"inner.depth":  {Value: "7", Default: true},
		"list":         {Value: "[5, 6]"},
	} {
		got, ok := all[name]
		if !ok || got.Value != want.Value || got.Unit != want.Unit || got.Default != want.Default || got.Help.In(message.English) == "" {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if _, there := all["drop.path"]; there {
		t.Error("a block that is not given has settings")
	}
}

func TestDescribe(t *testing.T) {
	c, err := Decode([]byte(strings.Replace(head, "lane: l", "title: Portal", 1)+"      count: 4\n      inner: {listen: ':80'}\n"), "lane.yaml", madeSpecs)
	if err != nil {
		t.Fatal(err)
	}
	describe := func() string {
		var b strings.Builder
		c.Describe(&b, message.English)
		return b.String()
	}
	for _, want := range []string{
		"site s (land), agent a, state in /var/lib/lanewarden\n", "lane l, inbound\n",
		`device d "Portal", driver made, whole site: address=192.0.2.1:1601 count=4 cm pause=2s inner {listen=:80 depth=7}` + "\n",
		"no uplink: the agent only journals\n",
	} {
		if !strings.Contains(describe(), want) {
			t.Errorf("no %q in\n%s", want, describe())
		}
	}
	c.Uplink, c.Devices[0].Lane = &Uplink{Broker: "mqtt://h.example:1883"}, "l"
	for _, want := range []string{"uplink to mqtt://h.example:1883\n", "lane l: address"} {
		if !strings.Contains(describe(), want) {
			t.Errorf("no %q in\n%s", want, describe())
		}
	}
}

func TestConsoleCheck(t *testing.T) {
	tls := Console{CertFile: "c", KeyFile: "k", AccountsFile: "a"}
	with := func(c Console, listen string) Console { c.Listen = listen; return c }
	for name, c := range map[string]struct {
		console Console
		want    string
	}{
		"nothing":                {Console{}, ""},
		"of this machine":        {Console{Listen: "127.0.0.1:80"}, ""},
		"of this machine, IPv6":  {Console{Listen: "[::1]:80"}, ""},
		"localhost":              {Console{Listen: "localhost:80"}, ""},
		"of all":                 {Console{Listen: ":80"}, "is reached from other machines"},
		"of a network":           {Console{Listen: "192.0.2.1:80"}, "is reached from other machines"},
		"of a network, with TLS": {with(tls, "192.0.2.1:80"), ""},
		"without accounts":       {Console{Listen: ":80", CertFile: "c", KeyFile: "k"}, "is reached from other machines"},
		"certificate alone":      {Console{CertFile: "c"}, "belong together"},
		"key alone":              {Console{KeyFile: "k"}, "belong together"},
		"client certificates":    {Console{ClientCAFile: "x", CertFile: "c", KeyFile: "k"}, "client_ca_file needs"},
	} {
		err := c.console.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestStationsStandInOrder(t *testing.T) {
	l := Lane{ID: "l", Stations: []Station{{ID: "a", Position: 5}, {ID: "b", Position: 5}}}
	if err := l.Check(); err != nil {
		t.Errorf("at one place: %v", err)
	}
	l.Stations[1].Position = 4.5
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), "station b at 4.5 m stands behind a at 5 m") {
		t.Errorf("error %v", err)
	}
}

func TestFindDriver(t *testing.T) {
	if s, err := FindDriver("tsa", drivers.Catalog); err != nil || s.Name != "tsa" {
		t.Errorf("%v %v", s.Name, err)
	}
	if _, err := FindDriver("tsaa", drivers.Catalog); err == nil || !strings.Contains(err.Error(), `did you mean "tsa"?`) {
		t.Errorf("error %v", err)
	}
}

// TestReadDocument: a name is of a built-in document, a path of a file; a file has a bound.
func TestReadDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		name string
		ok   bool
	}{
		"built in": {"example-swab", true}, "unknown": {"nothing", false}, "too large": {path, false},
		"no file": {path + ".yaml", false},
	} {
		if _, _, err := ReadDocument(Profiles, c.name); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Builtin("nowhere") != nil {
		t.Error("documents of a folder that is not there")
	}
}
