package personal

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
)

// impersonal lists, by message, the texts and bytes that name nobody: names of devices, of parts, of substances, of
// settings, of accounts of the agent, states, units, hashes, and sentences of the software's own about devices. A
// device whose profile reads names into Quantity.text writes them unsealed; docs/privacy.md says so.
var impersonal = map[string]string{
	"ClearanceDecision":  "presentation lane passage outcome decided exams policy policy_sha256 overridden_by",
	"ClearanceReason":    "code outcome exams",
	"ShipmentDecision":   "class outcome",
	"ListInForce":        "list sha256",
	"RandomDraw":         "identity secret",
	"ClearanceOverride":  "presentation lane was outcome by",
	"ClearanceSecret":    "day hash revealed",
	"ClearanceSeen":      "presentation site agent",
	"CaseOpened":         "id lane",
	"CaseAlarms":         "id",
	"CaseAlarm":          "device station found other",
	"CaseMove":           "to",
	"CaseRules":          "policy sha256 decide second third reopen second_words",
	"CaseEvent":          "id by role station key exams site agent",
	"CaseSeen":           "journal",
	"CaseOrigin":         "journal",
	"CaseVerdict":        "image swab source nuclides unit",
	"CaseAttachment":     "sha256 media_type",
	"Body":               "personal_sha256",
	"Artifact":           "sha256 media_type",
	"RadiationOccupancy": "direction",
	"RadiationSetup":     "line",
	"Setting":            "name value",
	"RadiationSpectrum":  "format manufacturer model serial instrument_class warnings messages",
	"MeasurementClass":   "name",
	"DetectorSummary":    "name",
	"RadiationAlarm":     "category description",
	"Nuclide":            "name category",
	"DeviceState":        "reason message",
	"DeviceMaintenance":  "by",
	"AgentStarted":       "software config_sha256",
	"OrdersChecked":      "refusal text message recipient",
	"OrderReceived":      "id order commander device refusal text message",
	"OrderResult":        "id order text message",
	"OrdersTarget":       "path sha256",
	"BundleState":        "bundle sha256 text message in_force in_force_sha256",
	"Inventory":          "site site_kind agent console_url site_title",
	"Lane":               "id title direction",
	"Device":             "id title driver lane",
	"XrayImage": "sop_class sop_instance modality ooi_type scan_instance series_instance scan_type acquisition_status " +
		"abort_reason manufacturer model transfer_syntax dicos_version",
	"XrayThreatReport": "sop_instance scan_instance type decision abort_reason algorithm image_instances",
	"ThreatAssessment": "category description ability flag",
	"ThreatRegion":     "image_instance",
	"XrayQuality":      "image_instance scan_instance energies",
	"XrayFault":        "measure image_instance",
	"XrayPreview":      "image_instance not_rendered",
	"DeviceReading":    "profile message alarm alarm_message",
	"VehicleReading":   "name direction alarm alarm_message",
	"Quantity":         "name text unit",
	"TraceAnalysis":    "mode polarity instrument_verdict instrument_substances verdict reasons k0_source library library_sha256 qc qc_reasons messages qc_messages",
	"TraceFind":        "substance category instead",
	"TracePeak":        "role substance",
	"TraceCalibration": "polarity calibrant",
	"TraceHealth":      "polarity",
	"TraceQuality":     "state reasons messages",
	"TraceTrend":       "measure",
	"DeviceCondition":  "condition subject text message",
	"VehicleDetection": "station direction",
	"VehicleTag":       "scheme memory_faults",
	"VehiclePlate":     "region camera direction vehicle_type vendor",
	"VehicleCode":      "type role symbology entry check",
	"CodeReading":      "type role check",
	"LaneOutput":       "output value",
	"SitePower":        "status model alarm",
	"PhaseVolts":       "phase",
	"SiteClock":        "gps_mode gps_receivers",
	"PassageOpened":    "id lane",
	"PassageUpdated":   "id",
	"PassageReading":   "device station artifacts other pinned_by",
	"PassageClosed":    "id lane",
	"PassageStation":   "station",
	"PassageCorrected": "from to by",
	"AgentAccess":      "action user role peer",
	"DeviceTest":       "test title by",
	"TestCheck":        "name unit title",
}

// TestEveryFieldIsDecided: each text, each bytes and each sentence in the body of every kind is either marked as
// personal in the schema, or known to name nobody.
func TestEveryFieldIsDecided(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	var walk func(m protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		known := strings.Fields(impersonal[string(m.Name())])
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			sentence := f.Message() != nil && f.Message().FullName() == messageName
			named := f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind || sentence
			if listed := slices.Contains(known, string(f.Name())); named && IsPersonal(f) == listed {
				t.Errorf("%s.%s: marked as personal: %v, listed as impersonal: %v", m.Name(), f.Name(), IsPersonal(f), listed)
			} else if !named && (listed || IsPersonal(f)) {
				t.Errorf("%s.%s is neither text nor bytes", m.Name(), f.Name())
			}
			if f.Message() != nil && !sentence {
				walk(f.Message())
			}
		}
		for _, name := range known {
			if m.Fields().ByName(protoreflect.Name(name)) == nil {
				t.Errorf("%s has no field %s", m.Name(), name)
			}
		}
	}
	walk((*observation.Body)(nil).ProtoReflect().Descriptor())
	for name := range impersonal {
		if !seen[protoreflect.FullName("lanewarden.v1."+name)] {
			t.Errorf("no body has a %s", name)
		}
	}
}

// TestMasksSurviveEncoding: the mask of every kind reads back as the same fields.
func TestMasksSurviveEncoding(t *testing.T) {
	for _, number := range kinds() {
		kind := observation.Kind(number)
		m := MaskOf(kind)
		if m == nil {
			continue
		}
		back, rest, err := decodeMask(append(m.Bytes(), 'x'))
		if err != nil || string(rest) != "x" || string(back.appendTo(nil)) != string(m.Bytes()) {
			t.Errorf("%s: %x, rest %q, %v", kind.Name(), m.Bytes(), rest, err)
		}
	}
}

// TestHostileMasks: what is no mask is an error, and costs no more than its length.
func TestHostileMasks(t *testing.T) {
	for name, text := range map[string][]byte{
		"empty":             {},
		"no field":          {0},
		"no end":            {2},
		"field 0":           {1, 2, 0, 0},
		"a number too high": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0},
		"fields of nothing": {3, 0, 0},
		"too deep":          append(slices.Repeat([]byte{3}, 9), append([]byte{2}, make([]byte, 10)...)...),
		"too many":          append(slices.Repeat([]byte{2}, maxMaskFields+1), 0),
	} {
		if m, _, err := decodeMask(text); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}
