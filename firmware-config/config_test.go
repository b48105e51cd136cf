package firmwareconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers"
	"lanewarden/drivers/message"
	"lanewarden/drivers/radiation/tsa"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares text with a file below testdata, or rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", path, got, want)
	}
}

// Every broken file must give the message in its golden file: what is wrong, where, and what to do.
func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	position := regexp.MustCompile(`^[^:]+\.yaml:\d+:\d+: .{20,}`)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Decode(data, filepath.Base(path), drivers.Catalog)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v", err)
			}
			if !position.MatchString(err.Error()) {
				t.Errorf("message without place or substance: %s", err)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".want", []byte(err.Error()+"\n"))
		})
	}
}

func TestExampleLanesDecode(t *testing.T) {
	entries, err := Lanes.ReadDir("lanes")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := Lanes.ReadFile("lanes/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		c, err := Decode(data, e.Name(), drivers.Catalog)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		var out strings.Builder
		c.Describe(&out, message.English)
		if len(c.Devices) == 0 || !strings.Contains(out.String(), c.Devices[0].ID) {
			t.Errorf("%s: %s", e.Name(), out.String())
		}
		if inv := c.Inventory(); len(inv.Devices) != len(c.Devices) || inv.Site != c.Site.ID {
			t.Errorf("%s: inventory %v", e.Name(), inv)
		}
	}
}

func TestDefaultsAndInlinedSettings(t *testing.T) {
	c, err := Decode([]byte("site: {id: a}\nagent: {id: b}\nlanes: [{id: l}]\ndevices: [{id: d, driver: tsa, settings: {address: '192.0.2.1:1601', n_sigma: 6.5}}]\n"), "x.yaml", drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Devices[0].Settings.(*tsa.Config)
	if s.Address != "192.0.2.1:1601" || s.NSigma != 6.5 || s.Intervals != 5 || s.Timeout != 10*time.Second || c.Agent.StateDir != "/var/lib/lanewarden" || c.Site.Kind != "land" {
		t.Errorf("settings %+v, agent %+v", s, c.Agent)
	}
}

// TestSharedDevices: a device that sees vehicles of two lanes stands at a station of each, and the lanes' stations may
// have the same names. Within a lane it stands once.
func TestSharedDevices(t *testing.T) {
	const file = "site: {id: a}\nagent: {id: b}\nlanes:\n" +
		"  - {id: l, stations: [{id: entry, position: 0, devices: [d]}FIRST]}\n" +
		"  - {id: m, stations: [{id: entry, position: 0, devices: [d]}]}\n" +
		"devices: [{id: d, driver: tsaLANE, settings: {address: '192.0.2.1:1601'}}]\n"
	for name, c := range map[string]struct{ first, lane, want string }{
		"of its first lane":     {"", ", lane: l", ""},
		"of its second lane":    {"", ", lane: m", ""},
		"of the whole site":     {"", "", ""},
		"twice in one lane":     {", {id: exit, position: 9, devices: [d]}", ", lane: m", "device d is at two stations of lane l"},
		"station twice in lane": {", {id: entry, position: 9, devices: []}", ", lane: m", `id "entry" is taken already`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer("FIRST", c.first, "LANE", c.lane).Replace(file)
			_, err := Decode([]byte(text), "x.yaml", drivers.Catalog)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestDevicesTogether: one lane, and lanes that share devices, have 64 at their stations at the most; others count for
// themselves.
func TestDevicesTogether(t *testing.T) {
	lane := func(id string, from, to int) Lane {
		s := Station{ID: "s"}
		for i := from; i < to; i++ {
			s.Devices = append(s.Devices, fmt.Sprint("d", i))
		}
		return Lane{ID: id, Stations: []Station{s}}
	}
	for name, c := range map[string]struct {
		lanes []Lane
		want  string
	}{
		"64 in one":         {[]Lane{lane("l", 0, 64)}, ""},
		"65 in one":         {[]Lane{lane("l", 0, 65)}, "lane l: 65, "},
		"apart":             {[]Lane{lane("l", 0, 60), lane("m", 60, 120)}, ""},
		"64 shared":         {[]Lane{lane("l", 0, 40), lane("m", 30, 64)}, ""},
		"65 shared":         {[]Lane{lane("l", 0, 40), lane("m", 30, 65)}, "lane l and m: 65, "},
		"shared by a third": {[]Lane{lane("l", 0, 40), lane("m", 50, 80), lane("n", 35, 55)}, "l and m and n: 80, "},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkTogether(c.lanes)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestSchema: every driver's settings are in it, with the help that they have in the code.
func TestSchema(t *testing.T) {
	text, err := Schema(drivers.Catalog, message.English)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Properties struct {
			Devices struct {
				Items struct {
					AllOf []struct {
						Then struct {
							Properties struct {
								Settings struct {
									Properties map[string]struct{ Description string }
								}
							}
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	blocks := parsed.Properties.Devices.Items.AllOf
	if len(blocks) != len(drivers.Catalog) {
		t.Fatalf("%d blocks of settings for %d drivers", len(blocks), len(drivers.Catalog))
	}
	for i, spec := range drivers.Catalog {
		settings := blocks[i].Then.Properties.Settings.Properties
		for _, s := range SettingsOf(spec) {
			if one, top := settings[s.Name]; top && !strings.HasPrefix(one.Description, s.Help.English()) {
				t.Errorf("%s: %s: %q in the schema, %q in the code", spec.Name, s.Name, one.Description, s.Help.English())
			}
		}
	}
}

// TestReference: a driver's settings are listed with those of the blocks and lists in them, each with its help.
func TestReference(t *testing.T) {
	if err := drivers.AddTexts(); err != nil {
		t.Fatal(err)
	}
	for _, spec := range drivers.Catalog {
		for _, s := range SettingsOf(spec) {
			if !message.Known(s.Help.Code) {
				t.Errorf("%s: %s: the catalogue has no %s", spec.Name, s.Name, s.Help.Code)
			}
		}
	}
	spec, _ := drivers.Find("barcode")
	var b strings.Builder
	if err := WriteReference(&b, spec, message.English); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"barcode: Bar code scanner\n", "\nrepeat\n", "default 3s", "0s to 10m", "\nprefixes[].type (required)\n", "\nserial.baud\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func FuzzDecode(f *testing.F) {
	entries, err := Lanes.ReadDir("lanes")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := Lanes.ReadFile("lanes/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := Decode(in, "fuzz.yaml", drivers.Catalog); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
