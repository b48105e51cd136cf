package plate_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lanewarden/drivers/vehicle/plate"
)

const hikvisionXML = `<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><ipAddress>192.0.2.7</ipAddress><channelID>1</channelID>
<dateTime>2026-11-25T19:00:00.500+07:00</dateTime><eventType>ANPR</eventType><eventState>active</eventState><channelName>Gate 4</channelName>
<ANPR><country>9</country><licensePlate>%s</licensePlate><line>1</line><direction>reverse</direction><confidenceLevel>97</confidenceLevel><vehicleType>truck</vehicleType></ANPR>
<UUID>h-1</UUID></EventNotificationAlert>`

const pullPoint = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><s:Body>
<tev:PullMessagesResponse xmlns:tev="http://www.onvif.org/ver10/events/wsdl"><tev:CurrentTime>2026-11-25T12:00:01Z</tev:CurrentTime>
<wsnt:NotificationMessage><wsnt:Topic>tns1:RuleEngine/Recognition/LicensePlate</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-25T12:00:00.5Z" PropertyOperation="Changed">
<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="cam-9"/><tt:SimpleItem Name="Rule" Value="r"/></tt:Source>
<tt:Data><tt:ElementItem Name="Object"><tt:Object ObjectId="15"><tt:Appearance><tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.8">KA-X 12</tt:PlateNumber><tt:CountryCode Likelihood="0.7">DE</tt:CountryCode></tt:LicensePlateInfo></tt:Appearance></tt:Object></tt:ElementItem></tt:Data>
</tt:Message></wsnt:Message></wsnt:NotificationMessage>
<wsnt:NotificationMessage><wsnt:Message><tt:Message UtcTime="2026-11-25T12:00:02Z"><tt:Source><tt:SimpleItem Name="VideoSource" Value="cam-8"/></tt:Source>
<tt:Data><tt:SimpleItem Name="PlateNumber" Value="M AB 34"/><tt:SimpleItem Name="Likelihood" Value="0.5"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>
</tev:PullMessagesResponse></s:Body></s:Envelope>`

type wanted struct {
	plate, vendor, camera, region, direction string
	confidence                               float64
	at                                       string // RFC 3339; "" for none
	id                                       string
}

// payloads are one of each make and form, written after their documentation.
var payloads = []struct {
	name, text string
	want       []wanted
}{
	{"OpenALPR group", alpr, []wanted{{"AB123O", "openalpr", "77", "us-mi", "", 0.925, "2025-11-25T12:00:00.123Z",
		"u-1"}}},
	{"OpenALPR group, camera id of ten digits", strings.Replace(alpr, `"camera_id":77`, `"camera_id":1414799424`, 1),
		[]wanted{{"AB123O", "openalpr", "1414799424", "us-mi", "", 0.925, "2025-11-25T12:00:00.123Z", "u-1"}}},
	{"OpenALPR group, camera id as a float", strings.Replace(alpr, `"camera_id":77`, `"camera_id":1.414799424e+09`, 1),
		[]wanted{{"AB123O", "openalpr", "1414799424", "us-mi", "", 0.925, "2025-11-25T12:00:00.123Z", "u-1"}}},
	{"OpenALPR results",
		`{"version":2,"data_type":"alpr_results","epoch_time":1764072000500,"camera_id":7,"uuid":"f-1","results":[{"plate":"AB12","confidence":88.5,"region":"us-ny",
		"candidates":[{"plate":"AB12","confidence":88.5},{"plate":"A812","confidence":70}],"coordinates":[{"x":1,
			"y":2},{"x":3,"y":4}]},{"plate":"CD34","confidence":60}]}`,
		[]wanted{{"AB12", "openalpr", "7", "us-ny", "", 0.885, "2025-11-25T12:00:00.5Z", "f-1"}, {"CD34",
			"openalpr", "7", "", "", 0.6, "2025-11-25T12:00:00.5Z", "f-1"}}},
	{"Verkada",
		`{"org_id":"o","webhook_type":"lpr","created_at":1764072001,"webhook_id":"w-1","data":{"camera_id":"c-1","created":1764072000,"license_plate_number":"CKRT12","confidence":0.9}}`,
		[]wanted{{"CKRT12", "verkada", "c-1", "", "", 0.9, "2025-11-25T12:00:00Z", "w-1"}}},
	{"Plate Recognizer",
		`{"hook":{"id":"cam"},"data":{"camera_id":"cam-2","timestamp":"2026-11-25T12:00:00.5Z","results":[{"plate":"8bx77q","score":0.91,"region":{"code":"ca-on"},
		"vehicle":{"type":"Big Truck"},"direction":181,"box":{"xmin":1,"ymin":2,"xmax":3,
			"ymax":4},"candidates":[{"plate":"8bx77q","score":0.91},{"plate":"bbx77q",
			"score":0.5}]},{"plate":"","score":0}]}}`,
		[]wanted{{"8BX77Q", "platerecognizer", "cam-2", "ca-on", "", 0.91, "2026-11-25T12:00:00.5Z", ""}}},
	{"Plate Recognizer, newer",
		`{"hook":{"id":"cam"},"data":{"camera_id":"cam","timestamp":"2026-11-25 12:00:00.500000+00:00","results":[{"plate":{"type":"Plate","score":0.8,
		"props":{"plate":[{"value":"qr56stu","score":0.88},{"value":"qr565tu","score":0.4}],
			"region":[{"value":"us-oh","score":0.9}]}},"vehicle":{"type":"Truck"},"direction":null},
		{"plate":null,
			"vehicle":{"type":"Car"}}]}}`, []wanted{{"QR56STU", "platerecognizer", "cam", "us-oh", "", 0.88, "2026-11-25T12:00:00.5Z", ""}}},
	{"Plate Recognizer snapshot",
		`{"processing_time":84.1,"results":[{"plate":"aa11","score":0.7,"region":{"code":"fr"}}],"filename":"x.jpg","timestamp":"2026-11-25T12:00:00Z","camera_id":null}`,
		[]wanted{{"AA11", "platerecognizer", "", "fr", "", 0.7, "2026-11-25T12:00:00Z", ""}}},
	{"Hikvision XML", fmt.Sprintf(hikvisionXML, "HK 12-AB"), []wanted{{"HK12AB", "hikvision", "Gate 4", "",
		"reverse", 0.97, "2026-11-25T12:00:00.5Z", "h-1"}}},
	{"Hikvision JSON",
		`{"ipAddress":"192.0.2.7","eventType":"ANPR","eventState":"active","dateTime":"2026-11-25T12:00:00+00:00","ANPR":{"licensePlate":"HK34CD","confidenceLevel":88,"direction":"forward"}}`,
		[]wanted{{"HK34CD", "hikvision", "192.0.2.7", "", "forward", 0.88, "2026-11-25T12:00:00Z", ""}}},
	{"Dahua ITSAPI",
		`{"Picture":{"Plate":{"IsExist":true,"PlateNumber":"DH 1234","Confidence":95,"BoundingBox":[1,2,30,40],"Region":"DE"},"SnapInfo":{"AccurateTime":"2026-11-25 13:00:00.500",
		"DeviceID":"d-1",
		"Direction":"Obverse"},"Vehicle":{"VehicleType":"Truck"},"NormalPic":{"Content":"/9j/"},"CutoutPic":{"Content":"/9j/AA=="}}}`,
		[]wanted{{"DH1234", "dahua", "d-1", "de", "forward", 0.95, "2026-11-25T12:00:00.5Z", ""}}},
	{"Dahua event",
		`{"Events":[{"Code":"TrafficJunction","Data":{"UTC":1764072000,"TrafficCar":{"PlateNumber":"DH55","DeviceAddress":"gate","Country":"PL"},"Object":{"Confidence":91}}}]}`,
		[]wanted{{"DH55", "dahua", "gate", "pl", "", 0.91, "2025-11-25T12:00:00Z", ""}}},
	{"Axis License Plate Verifier",
		`{"packetCounter":"7","capture_timestamp":"1764072000500","datetime":"20251125 120000500","plateText":"AXIS1","plateUTF8":"AXIS1","plateCountry":"SE",
		"plateConfidence":"0.93","carMoveDirection":"out","carID":"55","carState":"new","sensorProviderID":"entry",
		"ImageArray":[{"ImageType":"plate","BinaryImage":"/9j/"}]}`,
		[]wanted{{"AXIS1", "axis", "entry", "se", "reverse", 0.93, "2025-11-25T12:00:00.5Z", "55"}}},
	{"Frigate update",
		`{"type":"lpr","id":"1764072000.5-ab","name":null,"plate":"FR1GATE","score":0.95,"camera":"drive","timestamp":1764072000.5}`,
		[]wanted{{"FR1GATE", "frigate", "drive", "", "", 0.95, "2025-11-25T12:00:00.5Z", "1764072000.5-ab"}}},
	{"Frigate event",
		`{"type":"end","before":{"id":"e-1","recognized_license_plate":null},"after":{"id":"e-1","camera":"drive","label":"truck","frame_time":1764072000.5,
		"recognized_license_plate":"EV77",
		"recognized_license_plate_score":0.81}}`, []wanted{{"EV77", "frigate", "drive", "", "", 0.81, "2025-11-25T12:00:00.5Z", "e-1"}}},
	{"UniFi Protect",
		`{"alarm":{"name":"plates","triggers":[{"key":"motion","device":"aa"},{"key":"license_plate_unknown","device":"bb","value":"UN1F1","timestamp":1764072000500,"eventId":"t-1"}]}}`,
		[]wanted{{"UN1F1", "unifi", "bb", "", "", 0, "2025-11-25T12:00:00.5Z", "t-1"}}},
	{"Milesight",
		`{"device":"Gate cam","time":"2026-11-25 13:00:00","time_msec":"2026-11-25 13:00:00.500","plate":"MS 77","region":"USA","direction":"Approach","detection_region":"1","confidence":"0.95",
		"coordinate_x1":"1","coordinate_y1":"2","coordinate_x2":"3","coordinate_y2":"4","vehicle_type":"Truck",
		"full_snapshot":"data:image/jpeg;base64,/9j/"}`,
		[]wanted{{"MS77", "milesight", "Gate cam", "usa", "forward", 0.95, "2026-11-25T12:00:00.5Z", ""}}},
	{"ONVIF MQTT",
		`{"UtcTime":"2026-11-25T12:00:00.5Z","PropertyOperation":"Initialized","Source":{"Rule":"r","VideoSourceConfigurationToken":"cam-3"},
		"Data":{"Object":{"LicensePlateInfo":{"PlateNumber":{"Value":"KA-X 12","Likelihood":0.8},
			"CountryCode":{"Value":"DE"}}}}}`,
		[]wanted{{"KAX12", "onvif", "cam-3", "de", "", 0.8, "2026-11-25T12:00:00.5Z", ""}}},
	{"ONVIF MQTT, flat",
		`{"UtcTime":"2026-11-25T12:00:00Z","Source":{"VideoSource":"cam"},"Data":{"PlateNumber":"XYZ 9","Likelihood":0.7}}`,
		[]wanted{{"XYZ9", "onvif", "cam", "", "", 0.7, "2026-11-25T12:00:00Z", ""}}},
	{"ONVIF PullPoint", pullPoint, []wanted{{"KAX12", "onvif", "cam-9", "de", "", 0.8, "2026-11-25T12:00:00.5Z",
		"15"}, {"MAB34", "onvif", "cam-8", "", "", 0.5, "2026-11-25T12:00:02Z", ""}}},
	{"Tattile",
		`<?xml version="1.0"?><root><PLATE_STRING>TA 771</PLATE_STRING><OCRSCORE>77</OCRSCORE><DEVICE_SN>s-1</DEVICE_SN><DIRECTION>GOAWAY</DIRECTION></root>`,
		[]wanted{{"TA771", "generic", "s-1", "", "reverse", 0.77, "", ""}}},
	{"plain words",
		`{"event":{"guid":"g-1","licensePlate":"GN 1","confidence":66,"cameraName":"north","dateTime":"2026-11-25T07:00:00-0500"}}`,
		[]wanted{{"GN1", "generic", "north", "", "", 0.66, "2026-11-25T12:00:00Z", "g-1"}}},
	{"digits that are no text", `{"plate":123456,"camera":"c"}`, []wanted{{"123456", "generic", "c", "", "", 0, "",
		""}}},
	{"ONVIF's word in another payload", `{"plateNumber":"GE 7","utcTime":"2026-11-25T12:00:00Z"}`,
		[]wanted{{"GE7", "generic", "", "", "", 0, "2026-11-25T12:00:00Z", ""}}},
	{"number plate of a Genetec read",
		`{"Read":{"LicensePlate":"GT 8","State":"QC","TimestampUtc":"2026-11-25T12:00:00Z","Camera":{"Name":"n"}}}`,
		[]wanted{{"GT8", "generic", "", "qc", "", 0, "2026-11-25T12:00:00Z", ""}}},
	{"list of messages", `[{"plate":"L1ST1"},{"plate":"L1ST2"}]`, []wanted{{"L1ST1", "generic", "", "", "", 0, "",
		""}, {"L1ST2", "generic", "", "", "", 0, "", ""}}},
	{"byte order mark", "\xef\xbb\xbf" + `{"plate":"B0M"}`, []wanted{{"B0M", "generic", "", "", "", 0, "", ""}}},
}

// berlin is a zone one hour ahead in November.
func berlin(t testing.TB) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func checkReads(t *testing.T, m *plate.Message, want []wanted) {
	t.Helper()
	if len(m.Reads) != len(want) {
		t.Fatalf("%d reads, want %d: %+v", len(m.Reads), len(want), m)
	}
	for i, w := range want {
		r := m.Reads[i]
		at := ""
		if !r.At.IsZero() {
			at = r.At.Format(time.RFC3339Nano)
		}
		if r.Normal != w.plate || r.Vendor != w.vendor || r.Camera != w.camera || r.Region != w.region ||
			r.Direction != w.direction || r.ID != w.id ||
			at != w.at || math.Abs(float64(r.Confidence)-w.confidence) > 1e-6 {
			t.Errorf("read %d is %v at %s, id %q; want %+v", i, r.VehiclePlate, at, r.ID, w)
		}
	}
	if len(m.Warnings) > 0 {
		t.Errorf("warnings %q", m.Warnings)
	}
}

func TestPayloads(t *testing.T) {
	zone := berlin(t)
	for _, c := range payloads {
		t.Run(c.name, func(t *testing.T) {
			m, err := plate.Decode([]byte(c.text), zone)
			if err != nil {
				t.Fatal(err)
			}
			checkReads(t, m, c.want)
			for range 50 { // the order of a map would show
				if again, err := plate.Decode([]byte(c.text), zone); err != nil ||
					fmt.Sprint(stripped(again)) != fmt.Sprint(stripped(m)) {
					t.Fatalf("decoded again it is %v, %v", again, err)
				}
			}
		})
	}
}

// stripped is what a message says, for comparison: protobuf prints its own spaces.
func stripped(m *plate.Message) (out []string) {
	for _, r := range m.Reads {
		out = append(out, fmt.Sprint(r.Plate, r.Camera, r.Region, r.Confidence, r.Direction, r.VehicleType, r.At,
			r.ID, r.BoxLeft, r.BoxTop, r.BoxRight, r.BoxBottom))
		for _, a := range r.Alternatives {
			out = append(out, fmt.Sprint(a.Plate, a.Confidence))
		}
		for _, p := range r.Pictures {
			out = append(out, fmt.Sprint(p.Name, len(p.JPEG)))
		}
	}
	return out
}

// TestDetails checks what the table of payloads leaves out.
func TestDetails(t *testing.T) {
	decode := func(name string) plate.Read {
		for _, c := range payloads {
			if c.name == name {
				m, err := plate.Decode([]byte(c.text), time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				return m.Reads[0]
			}
		}
		t.Fatal(name)
		return plate.Read{}
	}
	r := decode("OpenALPR group")
	if r.BoxLeft != 10 || r.BoxRight != 110 || r.BoxTop != 20 || r.BoxBottom != 50 ||
		r.VehicleType != "tractor-trailer" || len(r.Alternatives) != 1 || len(r.Pictures) != 1 {
		t.Errorf("%v", r)
	}
	if r = decode("Plate Recognizer, newer"); len(r.Alternatives) != 1 || r.Alternatives[0].Plate != "QR565TU" ||
		r.VehicleType != "Truck" {
		t.Errorf("%v", r)
	}
	if r = decode("Dahua ITSAPI"); !reflect.DeepEqual([]string{r.Pictures[0].Name, r.Pictures[1].Name},
		[]string{"vehicle.jpg", "plate.jpg"}) || r.BoxRight != 30 {
		t.Errorf("%v", r)
	}
	if r = decode("Milesight"); len(r.Pictures) != 1 || len(r.Pictures[0].JPEG) != 3 || r.BoxBottom != 4 {
		t.Errorf("%v", r)
	}
}

// TestRefused are payloads of which nothing could be kept: they are never acknowledged.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"broken", "{", "line 1, column 1"},
		{"broken in a later line", "{\n\"a\":\n}", "line 3, column 1"},
		{"broken XML", "<a>\n<b></a>", "line 2"},
		{"document type", "<!DOCTYPE x [<!ENTITY e 'x'>]><plate>&e;</plate>", "document type"},
		{"empty", " ", "empty"},
		{"empty list", "[]", "empty list"},
		{"a number", "[1]", "element 1: is of no vendor"},
		{"text", "hello", "line 1, column 1"},
		{"no plate's words", `{"x":1}`, "is of no vendor that we know"},
		{"OpenALPR without plate", `{"data_type":"alpr_group"}`, `"best_plate_number" is missing`},
		{"Verkada without plate", `{"webhook_type":"lpr","data":{"camera_id":"c"}}`,
			`"data.license_plate_number" is missing`},
		{"Verkada's other hook", `{"webhook_type":"notification","data":{"camera_id":"c"}}`, "is of no vendor"},
		{"Hikvision's other event", `{"eventType":"VMD","eventState":"active"}`, "is missing"},
		{"UniFi without plate", `{"alarm":{"triggers":[{"key":"motion"}]}}`, "about no plate"},
		{"ONVIF motion", `{"UtcTime":"2026-11-25T12:00:00Z","Data":{"IsMotion":true}}`, "is missing"},
		{"a sentence", `{"plate":"the quick brown fox jumps over"}`, "no plate has more than 16"},
		{"a broken picture", strings.Replace(alpr, "/9j/", "###", 1), "plate.jpg"},
		{"nested", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "nested more than"},
		{"bomb", `{"a":[` + strings.Repeat("1,", 60_000) + `1]}`, "more than 50,000 elements"},
		{"many plates", `{"data":{"results":[` + strings.Repeat(`{"plate":"A1"},`, 70) + `{"plate":"A1"}]}}`,
			"at most 64"},
		{"many plates in plain words", `{"v":[` + strings.Repeat(`{"plate":"A1"},`, 20_000) + `{"plate":"A1"}]}`,
			"at most 64"},
	} {
		if m, err := plate.Decode([]byte(c.text), time.UTC); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v %+v; want %s", c.name, err, m, c.want)
		}
	}
}

// TestIdle are payloads that are sound and hold no plate.
func TestIdle(t *testing.T) {
	for _, c := range []struct {
		name, text, idle string
		bare             int
	}{
		{"OpenALPR heartbeat", `{"data_type":"heartbeat"}`, "heartbeat", 0},
		{"OpenALPR vehicle", `{"data_type":"vehicle","camera_id":7}`, "vehicle without plate", 1},
		{"OpenALPR frame without plate", `{"data_type":"alpr_results","results":[]}`, "no vehicle", 0},
		{"Hikvision heartbeat",
			`<EventNotificationAlert><eventType>videoloss</eventType><eventState>inactive</eventState></EventNotificationAlert>`, "heartbeat", 0},
		{"Hikvision, not read", fmt.Sprintf(hikvisionXML, "unknown"), "vehicle without plate", 1},
		{"Dahua keep-alive", `{"Active":"keepAlive","DeviceID":"d"}`, "heartbeat", 0},
		{"Plate Recognizer, empty plate",
			`{"data":{"camera_id":"c","results":[{"plate":"","vehicle":{"type":"Car"}}]}}`, "vehicle without plate", 1},
		{"Plate Recognizer, no plate",
			`{"data":{"camera_id":"c","results":[{"plate":null,"vehicle":{"type":"Car"}}]}}`,
			"vehicle without plate", 1},
		{"Frigate, unfinished",
			`{"type":"new","after":{"camera":"c","label":"car","recognized_license_plate":null}}`, "heartbeat", 0},
		{"Frigate, a person", `{"type":"end","after":{"camera":"c","label":"person"}}`, "heartbeat", 0},
		{"Frigate, not read", `{"type":"end","after":{"camera":"c","label":"car"}}`, "vehicle without plate", 1},
		{"ONVIF, beginning", `{"UtcTime":"2026-11-25T12:00:00Z","PropertyOperation":"Initialized","Source":{}}`,
			"heartbeat", 0},
	} {
		m, err := plate.Decode([]byte(c.text), time.UTC)
		if err != nil || m.Idle.English() != c.idle || len(m.Bare) != c.bare || len(m.Reads) != 0 {
			t.Errorf("%s: %v %+v", c.name, err, m)
		}
	}
}

// TestLongForeignValue: what a warning says of a value is text, wherever the value was cut.
func TestLongForeignValue(t *testing.T) {
	for _, before := range []string{"", "x", "xx"} {
		m, err := plate.Decode([]byte(`{"data_type":"alpr_group","best_plate_number":"ABC123","epoch_start":"`+before+
			strings.Repeat("二", 40)+`"}`), time.UTC)
		if err != nil || len(m.Warnings) != 1 {
			t.Fatalf("%v, %v", m, err)
		}
		if text := m.Warnings[0].English(); !utf8.ValidString(text) || !strings.Contains(text, "二二") {
			t.Errorf("%q", text)
		}
	}
}

func TestWarnings(t *testing.T) {
	m, err := plate.Decode([]byte(`{"plate":"A1","time":"yesterday","confidence":"high"}`), time.UTC)
	if err != nil || len(m.Warnings) != 2 || len(m.Reads) != 1 || !m.Reads[0].At.IsZero() {
		t.Errorf("%v %+v", err, m)
	}
}

// TestTimes are the times that cameras write, the zone of the settings being Europe/Berlin.
func TestTimes(t *testing.T) {
	const at = "2026-11-25T12:00:00Z"
	for _, text := range []string{
		"2026-11-25T12:00:00Z", "2026-11-25T12:00:00.000Z", "2026-11-25T13:00:00+01:00", "2026-11-25T13:00:00+0100",
		"2026-11-25 12:00:00.000000+00:00", "2026-11-25 12:00:00 +0000",
		"2026-11-25 13:00:00", "2026-11-25T13:00:00.000", "2026/11/25 13:00:00", "2026.11.25 13:00:00",
		"20261125130000", "20261125 130000000", "20261125130000000", "20261125T120000Z",
		"2026-11-25 12:00:00 UTC", "Wed, 25 Nov 2026 12:00:00 UTC", "1795608000", "1795608000000",
		"1795608000000000", "1795608000000000000", "1795608000.0",
	} {
		m, err := plate.Decode([]byte(fmt.Sprintf(`{"plate":"A1","time":%q}`, text)), berlin(t))
		if err != nil || len(m.Reads) != 1 || m.Reads[0].At.Format(time.RFC3339Nano) != at {
			t.Errorf("%s: %v %+v", text, err, m)
		}
	}
}

// TestFindings holds the inputs that were once read wrongly, where they are at hand.
func TestFindings(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "..", "shared", "findings", "cases")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the inputs are not here: %v", err)
	}
	for name, want := range map[string]wanted{
		"plate-01.json": {"XY12ABC", "verkada", "c1", "", "", 0.93, "2024-05-02T10:49:59Z", "w"},
		"plate-03.json": {"A13709", "openalpr", "1414799424", "mo", "", 0.92075203, "2015-11-24T00:50:08.789Z",
			"s-cam1-1"},
		"plate-04.json": {"YZ34DEF", "platerecognizer", "cam", "gb", "", 0.9, "2024-05-02T10:50:03.847Z", ""},
		"plate-05.xml":  {"XY12ABC", "hikvision", "CAM", "", "forward", 0.98, "2024-05-02T10:48:03.847Z", ""},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
			continue
		}
		m, err := plate.Decode(text, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkReads(t, m, []wanted{want})
	}
}
