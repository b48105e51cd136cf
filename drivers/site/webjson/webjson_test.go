package webjson_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/driver/drivertest"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/site/webjson"
	"lanewarden/drivers/site/webjson/sim"
	"lanewarden/drivers/transport"
	firmwareconfig "lanewarden/firmware-config"
)

// exampleProfile is the built-in example.
func exampleProfile(t testing.TB) driver.Ref[webjson.Profile] {
	t.Helper()
	var ref driver.Ref[webjson.Profile]
	if err := firmwareconfig.LoadDocument(&ref, firmwareconfig.Web, "example-tyre-strip"); err != nil {
		t.Fatal(err)
	}
	return ref
}

const (
	pass = `{"pass":"7","time":"2026-03-01T14:05:00Z","axles":[{"l":41},{"l":52}],"hottest":{"celsius":52.5,"side":"L"}}`
	hot  = `{"pass":"8","time":1772373960,"axles":[{}],"hottest":{"celsius":104,"side":"R"}}`
)

func TestConforms(t *testing.T) {
	drivertest.Documents{
		Spec: webjson.Spec, Name: "pass.json", Good: []byte(pass), Bad: []byte(`{"pass":`), HTTP: true, NoFolder: true,
		Other: []byte(strings.Replace(pass, "52.5", "61.5", 1)),
		Settings: func(_, listen, path string) any {
			return &webjson.Config{Profile: exampleProfile(t),
				HTTP: &transport.HTTP{Listen: listen, Path: path, MaxBytes: 1 << 20}}
		},
	}.Run(t)
}

// TestDecode: what documents say, and what is wrong with them.
func TestDecode(t *testing.T) {
	p := exampleProfile(t).Value
	for _, c := range []struct {
		name, doc string
		want      string // of each reading: its message, id, values and alarm
		err       string
	}{
		{"a pass", pass, "tyre-temperature 7 [axles=2 hottest=52.5 side=left]", ""},
		{"a hot tyre, the time in seconds", hot,
			"tyre-temperature 8 [axles=1 hottest=104 side=right] hottest is 104 °C, above 90", ""},
		{"state only", `{"state":2,"cabinet":{"celsius":31}}`,
			"strip  [cabinet=31 state=sensor broken] state is sensor broken", ""},
		{"a field without a value", `{"state":0,"cabinet":{"celsius":null}}`, "strip  [state=ready]", ""},
		{"a pass without its values", `{"pass":"9","time":"2026-03-01T14:05:00Z","state":0}`,
			"strip  [state=ready]", "tyre-temperature: has none of the profile's fields"},
		{"a pass without a time", `{"pass":"9","axles":[]}`, "", "tyre-temperature: time time: the document has none"},
		{"a time without a zone", strings.Replace(pass, "00Z", "00", 1), "", "is no time with a zone"},
		{"nothing of the profile", `{"hello":1}`, "", "it holds no message of profile example-tyre-strip"},
		{"no JSON", `<html>`, "", "it is no JSON"},
		{"two documents", pass + pass, "", "it is no JSON"},
		{"a bomb", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "", "1,000 blocks within each other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			readings, err := webjson.Decode(p, []byte(c.doc))
			if got := describe(readings); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func describe(readings []webjson.Reading) string {
	var lines []string
	for _, r := range readings {
		var values []string
		for _, v := range r.Values {
			values = append(values, v.Name+"="+v.Text)
		}
		line := r.Message.Name + " " + r.ID + " [" + strings.Join(values, " ") + "]"
		if !r.Alarm.IsZero() {
			line += " " + r.Alarm.English()
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// TestEach: each member of a list is a message, and a list without end is cut.
func TestEach(t *testing.T) {
	p := &webjson.Profile{Name: "p", Messages: []webjson.Message{{
		Name: "axle", Each: "axles", When: []webjson.Condition{{Path: "ok", Is: []string{"true"}}},
		Fields: []webjson.Field{{Path: "t"}},
	}}}
	p.Messages[0].Fields[0].Name = "celsius"
	readings, err := webjson.Decode(p, []byte(`{"axles":[{"ok":true,"t":1},{"ok":false,"t":2},{"ok":true,"t":3}]}`))
	if got := describe(readings); got != "axle  [celsius=1]; axle  [celsius=3]" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	long := `{"axles":[` + strings.Repeat(`{"ok":true,"t":1},`, 5000) + `{}]}`
	if readings, err = webjson.Decode(p, []byte(long)); len(readings) != 4096 || err == nil {
		t.Errorf("%d readings, %v", len(readings), err)
	}
}

// TestAsked: a device that is asked gives each pass once, changes of its state, and an alarm when one begins.
func TestAsked(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	at := drivertest.FreeAddress(t)
	d := &sim.Device{}
	d.Say([]byte(pass))
	served := make(chan error, 1)
	go func() { served <- d.Serve(ctx, at) }()
	_, sink, stop := drivertest.Supervise(ctx, t, webjson.Spec, &webjson.Config{
		Profile: exampleProfile(t), URL: "http://" + at, Every: 20 * time.Millisecond, Report: time.Hour,
	})
	asked := func(doc string) {
		t.Helper()
		d.Say([]byte(doc))
		if err := d.WaitAsked(ctx, 3); err != nil {
			t.Fatalf("the device was not asked any more: %v", err)
		}
	}
	asked(pass)
	asked(hot)
	asked(`{"state":1,"time":1772373960}`)
	asked(`{"state":2,"time":1772373960}`)
	stop()
	cancel()
	<-served
	vehicles, states := sink.Of(observation.Kind_KIND_VEHICLE_READING), sink.Of(observation.Kind_KIND_DEVICE_READING)
	if len(vehicles) != 2 || vehicles[0].Class != observation.Class_CLASS_EVENT ||
		vehicles[1].Class != observation.Class_CLASS_ALARM {
		t.Errorf("passes: %v", vehicles)
	}
	if len(states) != 2 || states[0].Class != observation.Class_CLASS_EVENT ||
		states[1].Class != observation.Class_CLASS_ALARM {
		t.Errorf("states: %v", states)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(pass))
	f.Add([]byte(hot))
	f.Add([]byte(`{"state":2,"cabinet":{"celsius":1e400}}`))
	p := exampleProfile(f).Value
	f.Fuzz(func(t *testing.T, doc []byte) {
		readings, err := webjson.Decode(p, doc)
		if len(readings) == 0 && err == nil {
			t.Error("nothing, and no error")
		}
	})
}
