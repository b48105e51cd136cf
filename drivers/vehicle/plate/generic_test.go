package plate_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport"
	"lanewarden/drivers/vehicle/plate"
)

const metadata = `<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>
<tt:Frame UtcTime="2026-11-25T12:00:00Z"><tt:Object ObjectId="1"><tt:Appearance><tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.9">MET 101</tt:PlateNumber></tt:LicensePlateInfo></tt:Appearance></tt:Object>
<tt:Object ObjectId="2"><tt:Appearance><tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.8">MET 102</tt:PlateNumber></tt:LicensePlateInfo></tt:Appearance></tt:Object></tt:Frame>
<tt:Frame UtcTime="2026-11-25T12:00:05Z"><tt:Object ObjectId="3"><tt:Appearance><tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.7">MET 103</tt:PlateNumber></tt:LicensePlateInfo></tt:Appearance></tt:Object></tt:Frame>
</tt:VideoAnalytics></tt:MetadataStream>`

// TestPlainWords are payloads without a table of their own: the plates, with time and confidence, or why they are
// refused.
func TestPlainWords(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a nested list", `{"camera":"c","vehicles":[{"plate":"LST 101","confidence":0.9},{"plate":"LST 102"}]}`,
			"LST101 0.9 c; LST102 0 c"},
		{"plates deep in a list", `{"DeviceCode":"u","TimeStamp":1795608000,"StructureInfo":{"ObjInfo":{"VehicleInfoList":[
			{"ID":1,"PlateAttributeInfo":{"PlateNo":"UNV 101"},"Confidence":90},{"ID":2,"PlateAttributeInfo":{"PlateNo":"UNV 102"}}]}}}`,
			"UNV101 0.9 12:00:00; UNV102 0 12:00:00"},
		{"a read has not its neighbour's time",
			`{"events":[{"licensePlate":"NBR 1","time":"2026-11-25T12:00:00Z","cameraId":"a"},{"licensePlate":"NBR 2"}]}`,
			"NBR1 0 12:00:00 a; NBR2 0"},
		{"ONVIF metadata", metadata, "MET101 0.9 12:00:00; MET102 0.8 12:00:00; MET103 0.7 12:00:05"},
		{"an ONVIF message with two objects",
			`{"UtcTime":"2026-11-25T12:00:00Z","Source":{"VideoSource":"v"},"Data":{"Object":[{"PlateNumber":"OBJ 1"},{"PlateNumber":"OBJ 2"}]}}`,
			"OBJ1 0 12:00:00 v; OBJ2 0 12:00:00 v"},
		{"repeated elements of XML", `<r><Camera>c</Camera><v><Plate>XML 1</Plate></v><v><Plate>XML 2</Plate></v></r>`,
			"XML1 0 c; XML2 0 c"},
		{"a list of plates", `{"cameraId":"c","plateNumber":["TXT 1","TXT 2"]}`, "TXT1 0 c; TXT2 0 c"},
		{"the plate again above the list", `{"plateNumber":"SUM 1","vehicles":[{"plate":"SUM 1"},{"plate":"SUM 2"}]}`,
			"SUM1 0; SUM2 0"},
		{"an allow list is not the read",
			`{"whitelist":{"plate":"OWN 99"},"result":{"plate":"SAW 12","confidence":0.9}}`,
			"SAW12 0.9"},
		{"the read before is not the read",
			`{"previous":{"plateNumber":"OLD 1"},"current":{"plateNumber":"NEW 1","timestamp":1795608000}}`,
			"NEW1 0 12:00:00"},
		{"only what was before", `{"history":[{"plateNumber":"OLD 1"}]}`, "refused: no vendor"},
		{"two plates and no list", `{"front":{"plateNumber":"TWO 1"},"rear":{"plateNumber":"DIF 22"}}`,
			`refused: "plateNumber" is "TWO 1" and "plateNumber" is "DIF 22"`},
		{"one plate in two scripts", `{"plateNumber":"КА 123","plate_text":"KA 123"}`, "КА123 0"},
		{"registration of a device", `{"event":"device","registration":"done"}`, `refused: "registration" is "done"`},
		{"registration of a vehicle", `{"registration":"REG 12"}`, "REG12 0"},
		{"a boolean", `{"plate":true}`, `refused: "plate" is "true"`},
		{"markup", `{"plateNumber":"<b>AB 12</b>"}`, "refused: which is no plate"},
		{"a path", `{"event":{"a":1},"result":{"plate":"/img/p_12.jpg"}}`, "refused: does not look like a plate"},
		{"too long, by its name", `{"plate_text":"` + strings.Repeat("A", 300) + `"}`,
			`refused: "plate_text" has 300 characters`},
		{"one of a list is no plate", `{"vehicles":[{"plate":"LST 101"},{"plate":"<i>"}]}`,
			`LST101 0 ("plate" is "<i>", which is no plate)`},
		{"a state is no region", `{"plate":"QRS 1","state":"active","country":"GB"}`, "QRS1 0 gb"},
		{"another make's anpr", `{"anpr":{"@date":"1795608000000","decision":{"@plate":"SRV 12","@reliability":"90"}}}`,
			"SRV12 0.9 12:00:00"},
		{"date and time apart",
			`<r><PLATE_STRING>TAT 1</PLATE_STRING><DATE>2026-11-25</DATE><TIME>13-00-00-500</TIME></r>`,
			"TAT1 0 12:00:00.5"},
		{"a confidence out of range", `{"plate":"CNF 1","ocrscore":953}`,
			`CNF1 0 (the confidence “953” of field “ocrscore”)`},
		{"a negative confidence", `{"plate":"CNF 1","confidence":-1}`,
			`CNF1 0 (the confidence “-1” of field “confidence”)`},
		{"a time that is none", `{"plate":"TIM 1","timestamp":"11/25/2026 12:00"}`,
			`TIM1 0 (the time “11/25/2026 12:00” of field “timestamp”)`},
		{"a clock that was never set", `{"plate":"TIM 1","timestamp":"1970-01-01T00:00:10Z"}`,
			`TIM1 0 (before the year 2000)`},
	} {
		m, err := plate.Decode([]byte(c.text), berlin(t))
		if err != nil {
			if want, ok := strings.CutPrefix(c.want, "refused: "); !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", c.name, err, c.want)
			}
			continue
		}
		var got []string
		for _, r := range m.Reads {
			text := r.Normal + " " + strings.TrimSuffix(strings.TrimRight(formatFloat(r.Confidence), "0"), ".")
			if !r.At.IsZero() {
				text += " " + r.At.Format("15:04:05.999")
			}
			got = append(got, strings.Join(strings.Fields(text+" "+r.Camera+" "+r.Region), " "))
		}
		want, warning, _ := strings.Cut(strings.TrimSuffix(c.want, ")"), " (")
		if strings.Join(got, "; ") != want || !strings.Contains(message.Join("; ", m.Warnings...).English(), warning) ||
			(warning == "") != (len(m.Warnings) == 0) {
			t.Errorf("%s: %s, warnings %q; want %s", c.name, strings.Join(got, "; "), m.Warnings, c.want)
		}
	}
}

func formatFloat(f float32) string { return strconv.FormatFloat(float64(f), 'f', 2, 32) }

// TestNoPlateWords: a vehicle without plate, for every make.
func TestNoPlateWords(t *testing.T) {
	for _, word := range []string{"NOPLATE", "no plate", "No-Plate", "NONE", "unknown", "N/A",
		"UNREAD", "NotRead", "null",
		"undefined", "-", "?????"} {
		for _, form := range []string{`{"plateNumber":"%"}`,
			`{"webhook_type":"lpr","data":{"license_plate_number":"%"}}`,
			`{"vehicles":[{"plateNumber":"%"}]}`} {
			m, err := plate.Decode([]byte(strings.Replace(form, "%", word, 1)), time.UTC)
			if err != nil || len(m.Reads) != 0 || len(m.Bare) != 1 {
				t.Errorf("%s in %s: %v %+v", word, form, err, m)
			}
		}
	}
}

// TestPartsAndFuture: every payload of a multipart post is read, one that cannot be is a fault beside it, and a time
// far ahead is the agent's.
func TestPartsAndFuture(t *testing.T) {
	r := start(t, &plate.Config{HTTP: &transport.HTTP{}, Zone: "UTC"})
	defer r.stop()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, text := range map[string]string{"a": `{"plateNumber":"PRT 101","timestamp":"2099-01-01T00:00:00Z"}`,
		"b": `{"plateNumber":"PRT 102"}`, "c": `{"settings":1}`} {
		p, _ := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json"},
			"Content-Disposition": {`form-data; name="` + name + `"`}})
		p.Write([]byte(text))
	}
	w.Close()
	resp, err := http.Post(r.url, w.FormDataContentType(), &body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	plates := map[string]bool{}
	for _, o := range r.sink.Of(observation.Kind_KIND_VEHICLE_PLATE) {
		plates[o.Body.GetVehiclePlate().Normal] = true
		if o.Body.DeviceTimeNs != 0 {
			t.Errorf("the time of the device is %d", o.Body.DeviceTimeNs)
		}
	}
	if len(plates) != 2 || !plates["PRT101"] || !plates["PRT102"] {
		t.Errorf("%v", plates)
	}
	var faults []string
	for _, o := range r.sink.Of(observation.Kind_KIND_DEVICE_FAULT) {
		faults = append(faults, o.Body.GetDeviceFault().Reason)
	}
	if all := strings.Join(faults, "; "); len(faults) != 2 || !strings.Contains(all, "more than a day ahead") ||
		!strings.Contains(all, "no vendor") {
		t.Errorf("faults %q", faults)
	}
}
