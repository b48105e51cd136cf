package barcode

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
)

// licenceData is a made-up driving licence as a scanner sends it, with the line ends that stand in its data.
const licenceData = "@\n\x1e\rANSI 636012030001DL00310440DLDCAG\nDBA20290804\nDCSDOE-SMITH\nDCTJANE\nDBD20240805\nDBB19800804\nDAG12 ELM STREET\nDAJON\nDAQD6101-40706\nDCGCAN\r"

func TestConforms(t *testing.T) {
	in := []byte("CSQU3054383\r\nABCD1234567890\r\nABCD1234567890\r\nFAST-4711\n\x02]C08080\x03" +
		licenceData + "\r\n*123456782RM0001*\r\nNoRead\r\n")
	drivertest.Stream{
		Spec: Spec, Input: in, Cut: 20, Normal: func(*observation.Observation) {},
		Settings: func(address string) any {
			return &Config{Link: transport.Link{Address: address}, Repeat: 3 * time.Second,
				Prefixes: []Prefix{{"driver-card", "FAST-"}}}
		},
	}.Run(t)
}

func TestClassify(t *testing.T) {
	prefixes := []Prefix{{"driver-card", "fast-"}, {"seal", "SEAL"}, {"cargo-control-number", "CCN:"}}
	for _, c := range []struct {
		text, kind, value, carrier, role, symbology, check, other string
	}{
		{"CSQU3054383", "container", "CSQU3054383", "CSQ", "equipment", "", "ok",
			"cargo-control-number"}, // ISO 6346's own example
		{"csqu 305438 3", "container", "CSQU3054383", "CSQ", "equipment", "", "ok", ""},
		{"CSQU3054384", "container", "CSQU3054384", "CSQ", "equipment", "", "wrong", ""},
		{"CSQU0000070", "container", "CSQU0000070", "CSQ", "equipment", "", "weak", ""},
		{"TOLU473478722G1", "container", "TOLU4734787", "TOL", "equipment", "", "ok", ""},
		{"ABCD1234567890", "cargo-control-number", "ABCD1234567890", "ABCD", "cargo", "", "none", "trip-number"},
		{"ABCD-PARS-00012", "cargo-control-number", "ABCD-PARS-00012", "ABCD", "cargo", "", "none", ""},
		{"77-1PARS56789", "cargo-control-number", "77-1PARS56789", "77-1", "cargo", "", "none", ""},
		{"8080-1", "cargo-control-number", "8080-1", "8080", "cargo", "", "none", "conveyance-reference-number"},
		{"8080123", "cargo-control-number", "8080123", "8080", "cargo", "", "none", "ace-driver-id"},
		{"ABCDEFGH", "unknown", "ABCDEFGH", "", "", "", "none", ""},
		{"ABCD1234567890123456789012", "unknown", "ABCD1234567890123456789012", "", "", "", "none", "driver-number"},
		{"123456782RM0001", "importer-bn15", "123456782RM0001", "123456782", "importer", "", "ok",
			"cargo-control-number"},
		{"12345123456789", "transaction-number", "12345123456789", "12345", "cargo", "", "none",
			"cargo-control-number"},
		{"]A08080", "carrier-code", "8080", "8080", "carrier", "code-39", "none", ""},
		{"*8080*", "carrier-code", "8080", "8080", "carrier", "code-39", "none", ""},
		{"]C100106141411234567897", "sscc", "106141411234567897", "", "cargo", "gs1-128", "ok", ""},
		{"]C10098765432109876543", "unknown", "0098765432109876543", "", "", "gs1-128", "none", ""},
		{"RR473124829GB", "postal-item", "RR473124829GB", "GB", "cargo", "", "ok", "cargo-control-number"},
		{"FAST-4711", "driver-card", "4711", "", "driver", "", "none", ""},
		{"]C0FAST-4711", "driver-card", "4711", "", "driver", "code-128", "none", ""},
		{"SEAL00-99", "seal", "0099", "", "seal", "", "none", ""},
		{"CCN:80801", "cargo-control-number", "80801", "8080", "cargo", "", "none", ""},
		{"x", "unknown", "X", "", "", "", "none", ""},
	} {
		got := Classify(c.text, prefixes)
		if got.Type != c.kind || got.Value != c.value || got.Carrier != c.carrier || got.Role != c.role ||
			got.Symbology != c.symbology || got.Check != c.check ||
			got.CheckFailed != (c.check == "wrong") || got.Text != c.text || got.Entry != "scan" {
			t.Errorf("%s is %v", c.text, got)
		}
		if c.other != "" && !strings.Contains(fmt.Sprint(got.Alternatives), c.other) {
			t.Errorf("%s can be a %s too: %v", c.text, c.other, got.Alternatives)
		}
	}
	if got := Classify("SEAL1234567", nil); got.Type != "seal" || got.Value != "SEAL1234567" {
		t.Errorf("%v", got)
	}
}

// feed decodes a scanner's bytes that come at once, one second after the last.
func feed(c Config, chunks ...string) (codes []*observation.VehicleCode, d *decoder) {
	d = &decoder{Config: c, faults: &driver.Faults{}}
	var obs []*observation.Observation
	for i, chunk := range chunks {
		obs = append(obs, d.Feed(time.Unix(int64(1000+i), 0), []byte(chunk))...)
	}
	obs = append(obs, d.Break(time.Unix(2000, 0))...)
	for _, o := range obs {
		codes = append(codes, o.Body.GetVehicleCode())
	}
	return codes, d
}

func TestRepeats(t *testing.T) {
	d := &decoder{Config: Config{Repeat: 3 * time.Second}, faults: &driver.Faults{}}
	at := time.Unix(1000, 0)
	n := 0
	for _, s := range []float64{0, 1, 2, 10} {
		n += len(d.Feed(at.Add(time.Duration(s*float64(time.Second))), []byte("ABCD12345\r")))
	}
	if n != 2 {
		t.Errorf("%d scans", n)
	}
}

// TestFrames are the ways in which readers send codes.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		settings       Config
	}{
		{"CR LF", "MSKU9070323\r\n", "MSKU9070323", Config{}},
		{"STX and ETX", "\x02MSKU9070323\x03", "MSKU9070323", Config{}},
		{"STX, ETX, CR LF", "\x02MSKU9070323\x03\r\n", "MSKU9070323", Config{}},
		{"two frames", "\x028080\x03\x02XCRS\x03", "8080 XCRS", Config{}},
		{"no code", "NoRead\r?\rNOREAD\rERROR\rNR\r\x02NoRead\x03", "", Config{}},
		{"runs of one symbol", "*****\r####\r-----\r??????\r]C0***\r\x02----\x03", "", Config{}},
		{"runs of one symbol, other words set", "####\rBADREAD\r", "", Config{NoCode: []string{"BadRead"}}},
		{"no code by setting", "BADREAD\rNoRead\r", "NOREAD", Config{NoCode: []string{"BadRead"}}},
		{"CSA", "FN55512345\r]C0123456782RM0001\r*8080*\r", "FN55512345 123456782RM0001 8080", Config{}},
		{"group separators", "]C100106141411234567897" + "10AB\x1d37100\r", "106141411234567897", Config{}},
		{"manifest with CR inside", "001|ABCD12345\r67890|20261128|USMI 1AB234|CAON AB12345\r8080\r",
			"ABCD1234567890 8080", Config{}},
		{"manifest with two line ends inside", "001|ABCD1\r\n2345|2026\r1128|USMI 1AB234|CAON AB12345\r",
			"ABCD12345", Config{}},
		{"manifest without trailer", "001|ABCD1|20261128|USMI 1AB234\r8080\r", "ABCD1 8080", Config{}},
		{"beginning of a manifest alone", "001|ABCD1\r8080\r", "001|ABCD1 8080", Config{}},
		{"manifest", "001|ABCD1234567890|20261128|USMI 1AB234|CAON AB12345\r", "ABCD1234567890", Config{}},
	} {
		codes, d := feed(c.settings, c.in)
		var got []string
		for _, code := range codes {
			got = append(got, code.Value)
		}
		if strings.Join(got, " ") != c.want || d.faults.Total != 0 {
			t.Errorf("%s: %v, %d faults", c.name, codes, d.faults.Total)
		}
	}
}

// TestLicenceStaysInTheScanner sends a licence in all ways and looks for the person in all that would leave the lane.
func TestLicenceStaysInTheScanner(t *testing.T) {
	secrets := []string{"DOE", "JANE", "1980", "40706", "ELM"}
	wedge := strings.NewReplacer("\x1e", "", "@\n", "@").Replace(licenceData)
	for _, c := range []struct {
		name   string
		chunks []string
		codes  int
	}{
		{"whole", []string{licenceData + "\r\n"}, 1},
		{"framed", []string{"\x02" + licenceData + "\x03"}, 1},
		{"AIM prefix", []string{"]L0" + licenceData + "\r\n"}, 1},
		{"in two chunks", []string{licenceData[:70], licenceData[70:] + "\r\n"}, 1},
		{"without control characters", []string{wedge + "\r"}, 1},
		{"between codes", []string{"8080\r" + licenceData + "\r\n8081\r\n"}, 3},
		{"broken off", []string{licenceData[:100]}, 1},
		{"twice", []string{licenceData, "", "", "", licenceData}, 2},
		{"in one line", []string{"@" + strings.Map(func(r rune) rune {
			if r < 0x20 {
				return -1
			}
			return r
		}, licenceData[1:]) + "\r"}, 1},
		{"longer than a code",
			[]string{"@\n\x1e\rANSI 636012030001DL00310440DL" + strings.Repeat("DOE JANE 1980 ELM 40706 ",
				200) + "\r"}, 1},
		{"with a broken character",
			[]string{"@\n\x1e\rANSI 636012030001DL00310440DLDCAG\nDCSDOE\xff\xfe\nDACJANE\n"}, 1},
		{"magnetic stripe", []string{"%ONTORONTO^DOE$JANE^12 ELM STREET^?\r;6360121234567=290819800804?\r"}, 2},
		{"passport",
			[]string{"P<CANDOE<<JANE<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<\rZE000509<9CAN8008049F2301147<<<<<<<<<<<<<<08\r"},
			2},
	} {
		d := &decoder{faults: &driver.Faults{}}
		var all []*observation.Observation
		for i, chunk := range c.chunks {
			all = append(all, d.Feed(time.Unix(int64(1000+i), 0), []byte(chunk))...)
		}
		all = append(all, d.Break(time.Unix(2000, 0))...)
		codes := len(all)
		d.faults.Flush()
		all = append(all, d.faults.Take()...)
		for _, o := range all {
			text := prototext.Format(o)
			for _, s := range secrets {
				if strings.Contains(text, s) {
					t.Errorf("%s: %q is in %s", c.name, s, text)
				}
			}
		}
		if codes != c.codes {
			t.Errorf("%s: %d codes: %v", c.name, codes, all)
		}
		if d.licence.open || d.licence.text.Len() > 0 || strings.Contains(d.last, "DOE") {
			t.Errorf("%s: something is kept", c.name)
		}
	}
	codes, _ := feed(Config{}, licenceData+"\r\n")
	if c := codes[0]; c.Type != "driving-licence" || c.Text != "" || c.Value != "" || c.Carrier != "636012" ||
		!strings.Contains(c.Note, "expires 2029-08-04") || c.Role != "driver" {
		t.Errorf("%v", c)
	}
}

// TestKeys holds that codes which begin alike, at one time, are both kept.
func TestKeys(t *testing.T) {
	long := strings.Repeat("8", 70)
	d := &decoder{faults: &driver.Faults{}}
	sink := drivertest.NewSink()
	for range 2 {
		again := &decoder{faults: d.faults}
		if _, err := sink.Commit(t.Context(), again.Feed(time.Unix(1000, 0),
			[]byte(long+"A\r"+long+"B\r"))...); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(sink.Observations()); n != 2 {
		t.Errorf("%d codes", n)
	}
}

// TestFindings holds the input that was once read wrongly, where it is at hand.
func TestFindings(t *testing.T) {
	in, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "findings", "cases", "barcode-01.txt"))
	if err != nil {
		t.Skipf("the input is not here: %v", err)
	}
	codes, d := feed(Config{}, string(in))
	if len(codes) != 1 || codes[0].Type != "container" || codes[0].Value != "MSKU9070323" || d.failed != 2 ||
		d.faults.Total != 0 {
		t.Errorf("%v", codes)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("CSQU3054383\r\nTOLU473478722G1\r"))
	f.Add([]byte("\x02]C08080\x03*XCRS*\rNoRead\r"))
	f.Add([]byte(licenceData))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &decoder{faults: &driver.Faults{}}
		var all []*observation.Observation
		for i := 0; i < len(data); i += 5 {
			all = append(all, d.Feed(time.Unix(int64(i), 0), data[i:min(i+5, len(data))])...)
		}
		all = append(all, d.Break(time.Unix(1e6, 0))...)
		for _, o := range all {
			c := o.Body.GetVehicleCode()
			if c.Type == "" || c.Check == "" || o.Key == "" || c.Type == "driving-licence" && (c.Text != "" ||
				c.Value != "") {
				t.Error(o)
			}
			if bytes.ContainsAny([]byte(c.Value), "\x02\x03") {
				t.Errorf("%q has its frame", c.Value)
			}
		}
		if len(d.buf) > 0 || d.licence.open {
			t.Error("something is kept")
		}
	})
}
