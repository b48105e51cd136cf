package llrp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// messageOf is the type of a capture, by its file's name.
var messageOf = map[string]MessageType{
	"CloseConnectionResponse": CloseConnectionResponse, "GetAccessSpecsResponse": GetAccessSpecsResponse,
	"GetROSpecsResponse":            GetROSpecsResponse,
	"GetReaderCapabilitiesResponse": GetCapabilitiesResponse, "GetReaderConfigResponse": GetConfigResponse,
	"ROAccessReport": ROAccessReport, "ReaderEventNotification": ReaderEvent,
}

// Names that the captures' JSON has for parameters, where they are others.
var jsonNames = map[string]string{
	"ReceiveSensitivities":               "ReceiveSensitivityTableEntry",
	"PerAntennaReceiveSensitivityRanges": "PerAntennaReceiveSensitivityRange",
	"PerAntennaAirProtocols":             "PerAntennaAirProtocol",
	"TransmitPowerLevels":                "TransmitPowerLevelTableEntry", "FrequencyHopTables": "FrequencyHopTable",
	"UHFC1G2RFModeTables": "UHFC1G2RFModeTable",
	"C1G2RFModes":         "UHFC1G2RFModeTable", "AntennaConfigurations": "AntennaConfiguration",
	"KeepAliveSpec": "KeepaliveSpec", "GPIPortCurrentStates": "GPIPortCurrentState",
	"EventNotificationStates": "EventNotificationState", "UHFC1G2RFModeTableEntries": "UHFC1G2RFModeTableEntry",
}

// TestSamples holds every capture against its JSON, field by field: every value that the JSON has must be in what was
// decoded, under the same name, and nothing may be left over.
func TestSamples(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/samples/llrp/*.bytes")
	if len(files) == 0 {
		t.Skip("no samples here")
	}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(messageOf[name], 1, payload)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		text, err := os.ReadFile(strings.TrimSuffix(file, ".bytes") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		c := comparer{t: t}
		c.object(filepath.Base(file), want, m.Params, nil)
		for _, p := range m.Params {
			c.count(p)
		}
		if c.compared != c.decoded {
			t.Errorf("%s: %d values were decoded, and the JSON has %d", filepath.Base(file), c.decoded, c.compared)
		}
	}
}

type comparer struct {
	t                 *testing.T
	compared, decoded int
}

// count counts the values that were decoded.
func (c *comparer) count(p Param) {
	c.decoded += len(p.Values)
	for _, q := range p.Params {
		c.count(q)
	}
}

func named(params Params, name string) (out Params) {
	for _, p := range params {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// object holds a JSON object against the parameters and values that it stands for.
func (c *comparer) object(path string, want map[string]any, params Params, values []Value) {
	for key, v := range want {
		at := path + "." + key
		if i := slices.IndexFunc(values, func(v Value) bool { return v.Name == key }); i >= 0 {
			c.value(at, v, values[i].V)
			continue
		}
		name := key
		if n, ok := jsonNames[key]; ok {
			name = n
		}
		found := named(params, name)
		switch v := v.(type) {
		case nil:
			if len(found) > 0 {
				c.t.Errorf("%s is null, and was decoded: %v", at, found)
			}
		case map[string]any:
			if len(found) == 0 && absent(v) {
				continue // the captures' program writes zero values for what is not there
			}
			if len(found) != 1 {
				c.t.Errorf("%s: %d were decoded", at, len(found))
				continue
			}
			c.object(at, v, found[0].Params, found[0].Values)
		case []any:
			if len(found) != len(v) {
				c.t.Errorf("%s: %d of %d were decoded", at, len(found), len(v))
				continue
			}
			for i, one := range v {
				if o, ok := one.(map[string]any); ok {
					c.object(fmt.Sprintf("%s[%d]", at, i), o, found[i].Params, found[i].Values)
				}
			}
		default: // a parameter that is one value
			if len(found) == 1 && len(found[0].Values) == 1 {
				c.value(at, v, found[0].Values[0].V)
				continue
			}
			if len(found) == 0 && absent(map[string]any{key: v}) {
				continue
			}
			c.t.Errorf("%s: not decoded", at)
		}
	}
}

func absent(o map[string]any) bool {
	for _, v := range o {
		if n, ok := v.(json.Number); v != nil && !(ok && n == "0") && v != false && v != "" {
			return false
		}
	}
	return true
}

func (c *comparer) value(at string, want, got any) {
	c.compared++
	switch g := got.(type) {
	case []byte:
		b, err := base64.StdEncoding.DecodeString(fmt.Sprint(want))
		if err != nil || !reflect.DeepEqual(b, g) {
			c.t.Errorf("%s is %x, not %v", at, g, want)
		}
	case []uint64:
		if list, ok := want.([]any); ok {
			if fmt.Sprint(list) != fmt.Sprint(g) {
				c.t.Errorf("%s is %v, not %v", at, g, want)
			}
			return
		}
		b, err := base64.StdEncoding.DecodeString(fmt.Sprint(want)) // a list of bytes
		var bytes []byte
		for _, v := range g {
			bytes = append(bytes, byte(v))
		}
		if err != nil || !reflect.DeepEqual(b, bytes) {
			c.t.Errorf("%s is %v, not %v", at, g, want)
		}
	default:
		if b, ok := want.(bool); ok {
			if n, isNumber := got.(uint64); isNumber && (n != 0) == b {
				return
			}
		}
		if n, ok := want.(json.Number); ok {
			if b, isFlag := got.(bool); isFlag {
				got = map[bool]int{false: 0, true: 1}[b]
			}
			want = n.String()
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			c.t.Errorf("%s is %v, not %v", at, got, want)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	for name, c := range map[string]struct {
		payload []byte
		want    string
	}{
		"cut parameter": {[]byte{0, 240}, "RO_ACCESS_REPORT: byte 10: a parameter of 2 bytes"},
		"length": {[]byte{0, 240, 0, 200, 1},
			"byte 10: parameter 240 says that it has 200 bytes, of which 5 came"},
		"inner length": {TLV(240, []byte{0, 241, 0, 90}),
			"byte 14: parameter 241 says that it has 90 bytes, of which 4 came"},
		"unknown TV":     {TLV(240, []byte{0xff}), "byte 14: parameter 127 of fixed length is not known"},
		"cut EPC":        {TLV(240, TV(13, []byte{1, 2})), "byte 14: EPC96: EPC is cut off"},
		"bits beyond":    {TLV(240, TLV(241, B2(960), []byte{1})), "byte 14: EPCData: EPC is cut off"},
		"nested too far": {nested(20), "nest deeper than"},
	} {
		if _, err := Decode(ROAccessReport, 1, c.payload); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func nested(n int) []byte {
	if n == 0 {
		return TLV(240)
	}
	return TLV(240, nested(n-1))
}

func FuzzDecode(f *testing.F) {
	f.Add(uint16(ROAccessReport), TLV(240, TV(13, make([]byte, 12)), TV(1, B2(1))))
	f.Add(uint16(ReaderEvent), TLV(246, TLV(128, B8(1)), TLV(256, B2(0))))
	f.Add(uint16(GetCapabilitiesResponse), TLV(137, B2(4), B2(1<<14), B4(1), B4(2), B2(1), []byte("1")))
	f.Fuzz(func(t *testing.T, kind uint16, payload []byte) {
		m, err := Decode(MessageType(kind&0x3ff), 1, payload)
		if err != nil {
			return
		}
		for i := range m.Params {
			m.Params[i].Uint("OpSpecID")
			m.Params[i].Bytes("EPC")
		}
	})
}

func FuzzFramer(f *testing.F) {
	f.Add(Encode(Keepalive, 1), 3)
	f.Add(append([]byte("HTTP/1.1 400\r\n"), Encode(ROAccessReport, 2, TLV(240))...), 5)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		collect := func(parts ...[]byte) (out []string) {
			var fr Framer
			for _, p := range parts {
				fr.Feed(p, func(f Frame) {
					if f.Fault == nil {
						out = append(out, fmt.Sprintf("%d %d %x", f.Type, f.ID, f.Payload))
					}
				})
			}
			return out
		}
		n := int(uint(cut) % uint(len(data)+1))
		if a, b := collect(data), collect(data[:n], data[n:]); !slices.Equal(a, b) {
			t.Errorf("whole %v, split %v", a, b)
		}
	})
}
