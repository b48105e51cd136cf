package identifier

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestReadings is the table of what codes are. kind, value, issuer and check are those of the best reading; others is
// what it can be too.
func TestReadings(t *testing.T) {
	for _, c := range []struct {
		name, text, kind, value, issuer, check, others string
	}{
		// carrier codes
		{"carrier code of letters", "XCRS", "carrier-code", "XCRS", "XCRS", "none", "scac"},
		{"carrier code of digits", "8080", "carrier-code", "8080", "8080", "none", ""},
		{"carrier code with dash", "77-1", "carrier-code", "77-1", "77-1", "none", ""},
		{"carrier code in lower case", " xcrs ", "carrier-code", "XCRS", "XCRS", "none", "scac"},
		{"carrier code with leading zero", "0123", "carrier-code", "0123", "0123", "none", ""},
		{"two letters", "AB", "scac", "AB", "AB", "none", ""},
		{"three letters", "ABC", "scac", "ABC", "ABC", "none", ""},
		// cargo control and conveyance numbers
		{"CCN of digits", "8080123456", "cargo-control-number", "8080123456", "8080", "none",
			"conveyance-reference-number driver-number seal"},
		{"CCN with PARS", "1234PARS56789", "cargo-control-number", "1234PARS56789", "1234", "none", "driver-number"},
		{"CCN of a carrier with dash", "77-1PARS56789", "cargo-control-number", "77-1PARS56789", "77-1", "none",
			"driver-number"},
		{"CCN with dash behind", "8080-1", "cargo-control-number", "8080-1", "8080", "none",
			"conveyance-reference-number"},
		{"CCN of seven", "8080123", "cargo-control-number", "8080123", "8080", "none",
			"ace-driver-id conveyance-reference-number"},
		{"shortest CCN", "80801", "cargo-control-number", "80801", "8080", "none", "conveyance-reference-number"},
		{"longest CCN", "8080123456789012345678901", "cargo-control-number", "8080123456789012345678901", "8080",
			"none", "conveyance-reference-number"},
		{"one more", "80801234567890123456789012", "unknown", "80801234567890123456789012", "", "none",
			"driver-number"},
		{"CCN with dashes", "ABCD-PARS-00012", "cargo-control-number", "ABCD-PARS-00012", "ABCD", "none", ""},
		{"CCN in lower case", "1234pars56789", "cargo-control-number", "1234PARS56789", "1234", "none", ""},
		{"CRN", "8080TRIP0001", "conveyance-reference-number", "8080TRIP0001", "8080", "none", "cargo-control-number"},
		{"air CCN", "014-PARS99", "cargo-control-number", "014-PARS99", "014-", "none", ""},
		{"a word is no number", "ABCDEFGH", "unknown", "ABCDEFGH", "", "none", ""},
		{"blank inside is no CCN", "8080 123456", "unknown", "8080 123456", "", "none", "seal"},
		// importers
		{"BN15", "123456782RM0001", "importer-bn15", "123456782RM0001", "123456782", "ok", "cargo-control-number"},
		{"BN15 of zeros", "100000009RM0001", "importer-bn15", "100000009RM0001", "100000009", "ok",
			"cargo-control-number"},
		{"BN15 with a wrong check", "123456789RM0001", "importer-bn15", "123456789RM0001", "123456789", "wrong",
			"cargo-control-number"},
		{"BN15 in groups", "12345 6782 RM 0001", "importer-bn15", "123456782RM0001", "123456782", "ok", ""},
		{"BN15 in lower case", "123456782rm0002", "importer-bn15", "123456782RM0002", "123456782", "ok", ""},
		{"BN with another program", "123456782RT0001", "cargo-control-number", "123456782RT0001", "1234", "none", ""},
		{"BN15 too short", "12345678RM0001", "cargo-control-number", "12345678RM0001", "1234", "none", ""},
		// transactions
		{"transaction", "12345123456789", "transaction-number", "12345123456789", "12345", "none",
			"cargo-control-number conveyance-reference-number"},
		{"transaction in groups", "12345-123456789", "transaction-number", "12345123456789", "12345", "none",
			"cargo-control-number"},
		// drivers
		{"ACE driver", "1234567", "cargo-control-number", "1234567", "1234", "none", "ace-driver-id driver-number"},
		{"opaque number", "QX7-00-4711-2244-9981-3300-AB", "unknown", "QX7-00-4711-2244-9981-3300-AB", "", "none",
			"driver-number"},
		// the United States
		{"SCN", "ABCD1234567890", "cargo-control-number", "ABCD1234567890", "ABCD", "none",
			"trip-number conveyance-reference-number"},
		{"PAPS", "ABCDPAPS123", "trip-number", "ABCDPAPS123", "ABCD", "none", "cargo-control-number"},
		{"trip of a SCAC of three", "ABC1234567", "cargo-control-number", "ABC1234567", "ABC1", "none",
			"trip-number seal"},
		{"manifest", "001|ABCD1234567890|20261128|USMI 1AB234|CAON AB12345", "truck-manifest", "ABCD1234567890",
			"ABCD", "none", ""},
		{"manifest with plus", "001|ABCD1234567890|20261128|USMI+1AB234|CAON+AB12345", "truck-manifest",
			"ABCD1234567890", "ABCD", "none", ""},
		{"manifest with CR inside", "001|ABCD12345\r67890|20261128|USMI 1AB234|", "truck-manifest",
			"ABCD1234567890", "ABCD", "none", ""},
		{"manifest with stray digits", "0001|ABCD1234567890|2026112800|USMI 1AB234", "truck-manifest",
			"ABCD1234567890", "ABCD", "none", ""},
		{"manifest without plates", "001^ABCD1234567890^20261128", "truck-manifest", "ABCD1234567890", "ABCD",
			"none", ""},
		{"manifest of fixed width", "001ABCD1234567890           20261128USMI 1AB234 CAON AB12345",
			"truck-manifest", "ABCD1234567890", "ABCD", "none", ""},
		{"entry number", "B76-0324527-8", "entry-number", "B7603245278", "B76", "ok", ""},
		{"entry number, wrong check", "B76-0324527-9", "entry-number", "B7603245279", "B76", "wrong", ""},
		{"entry number, bare", "B7603245278", "entry-number", "B7603245278", "B76", "ok", "cargo-control-number"},
		{"entry number, bare and wrong", "B7603245279", "cargo-control-number", "B7603245279", "B760", "none",
			"entry-number"},
		{"in-bond", "123456782", "in-bond-number", "123456782", "", "ok", "cargo-control-number"},
		{"in-bond, remainder 0", "555123450", "in-bond-number", "555123450", "", "ok", "cargo-control-number"},
		{"in-bond, wrong", "123456783", "cargo-control-number", "123456783", "1234", "none", "in-bond-number"},
		// containers
		{"ISO 6346's example", "CSQU3054383", "container", "CSQU3054383", "CSQ", "ok",
			"cargo-control-number trip-number"},
		{"remainder 10", "CSQU0000070", "container", "CSQU0000070", "CSQ", "weak", ""},
		{"in groups", "csqu 305438 3", "container", "CSQU3054383", "CSQ", "ok", ""},
		{"as painted", "CSQU-305438-3", "container", "CSQU3054383", "CSQ", "ok", ""},
		{"wrong check", "CSQU3054384", "container", "CSQU3054384", "CSQ", "wrong", "cargo-control-number"},
		{"with size and type", "TOLU473478722G1", "container", "TOLU4734787", "TOL", "ok", ""},
		{"with size and type in groups", "TOLU 473478 7 22G1", "container", "TOLU4734787", "TOL", "ok", ""},
		{"reader's frame", "\x02MSKU9070323\x03", "container", "MSKU9070323", "MSK", "ok", ""},
		{"category Z", "ABCZ1234560", "container", "ABCZ1234560", "ABC", "wrong", ""},
		{"category J", "ABCJ1234567", "container", "ABCJ1234567", "ABC", "wrong", ""},
		{"no category of ISO 6346", "ABCD1234567", "cargo-control-number", "ABCD1234567", "ABCD", "none",
			"trip-number"},
		// rail
		{"rail car", "CSX 987654", "rail-car", "CSX987654", "CSX", "none", ""},
		{"rail car with zeros", "BNSF 001234", "rail-car", "BNSF1234", "BNSF", "none", ""},
		{"rail car, bare", "CSX987654", "cargo-control-number", "CSX987654", "CSX9", "none", "rail-car"},
		{"AEI line", `01/16/2006 10:58,0003,"51","1","19","CSX ","987654","Right","193","6","1","0"`, "rail-car",
			"CSX987654", "CSX", "none", ""},
		{"UIC wagon", "21 81 2471 217-3", "uic-wagon", "218124712173", "81", "ok", ""},
		{"UIC wagon, bare", "218124712173", "uic-wagon", "218124712173", "81", "ok", "cargo-control-number"},
		{"UIC wagon, wrong", "21 81 2471 217-4", "uic-wagon", "218124712174", "81", "wrong", ""},
		{"12 digits", "218124712174", "cargo-control-number", "218124712174", "2181", "none", "uic-wagon"},
		// seals, air, post
		{"seal", "SEAL1234567", "seal", "SEAL1234567", "", "none", "cargo-control-number"},
		{"seal with blanks", "ml-ca 1234567", "unknown", "ML-CA 1234567", "", "none", "seal"},
		{"air waybill", "589-81140743", "air-waybill", "589-81140743", "589", "ok", "cargo-control-number"},
		{"air waybill, bare", "58981140743", "air-waybill", "589-81140743", "589", "ok", "cargo-control-number"},
		{"air waybill in groups", "589 8114 0743", "air-waybill", "589-81140743", "589", "ok", ""},
		{"air waybill, wrong", "589-81140744", "air-waybill", "589-81140744", "589", "wrong", "cargo-control-number"},
		{"11 digits", "58981140744", "cargo-control-number", "58981140744", "5898", "none", "air-waybill"},
		{"postal item", "RR473124829GB", "postal-item", "RR473124829GB", "GB", "ok", "cargo-control-number"},
		{"postal item in groups", "RR 473 124 829 GB", "postal-item", "RR473124829GB", "GB", "ok", ""},
		{"postal item, wrong", "RR473124828GB", "postal-item", "RR473124828GB", "GB", "wrong", "cargo-control-number"},
		{"unit load device", "AKE12345AC", "unit-load-device", "AKE12345AC", "AC", "none", "cargo-control-number"},
		{"old unit load device", "AKE1234AC", "unit-load-device", "AKE1234AC", "AC", "none", "cargo-control-number"},
		// GS1
		{"SSCC in GS1-128", "]C100106141411234567897", "sscc", "106141411234567897", "", "ok", ""},
		{"SSCC without AIM prefix", "00106141411234567897", "sscc", "106141411234567897", "", "ok", ""},
		{"SSCC as printed", "(00)106141411234567897", "sscc", "106141411234567897", "", "ok", ""},
		{"SSCC alone", "106141411234567897", "sscc", "106141411234567897", "", "ok", "cargo-control-number"},
		{"SSCC, wrong", "]C100106141411234567890", "sscc", "106141411234567890", "", "wrong", ""},
		{"SSCC with lot", "]C100106141411234567897" + "10LOT7" + gs + "37100", "sscc", "106141411234567897", "",
			"ok", "gs1"},
		{"FNC1 without AIM prefix", gs + "00106141411234567897", "sscc", "106141411234567897", "", "ok", ""},
		{"GTIN in DataMatrix", "]d20109501101530003" + "10AB-1", "gtin", "09501101530003", "", "ok", "gs1"},
		{"GINC", "]C14010614141ABC", "gs1-consignment", "0614141ABC", "", "none", ""},
		{"GSIN", "]C140206141411234567890", "gs1-shipment", "06141411234567890", "", "ok", ""},
		{"GRAI", "]C1800300614141234561" + "33", "gs1-returnable-asset", "0061414123456133", "", "ok", ""},
		{"GIAI", "]C180040614141ABC1", "gs1-individual-asset", "0614141ABC1", "", "none", ""},
		{"lot alone", "]C110ABC123", "gs1", "(10)ABC123", "", "none", ""},
		{"GS1 that cannot be read", "]C1XYZ12345", "unknown", "XYZ12345", "", "none", ""},
		{"GS1 that is cut short", "]C10098765432109876543", "unknown", "0098765432109876543", "", "none", ""},
		// wrappings
		{"AIM Code 128", "]C08080123456", "cargo-control-number", "8080123456", "8080", "none", ""},
		{"AIM Code 39", "]A0XCRS", "carrier-code", "XCRS", "XCRS", "none", ""},
		{"AIM QR", "]Q1001|ABCD1234567890|20261128|USMI 1AB234|", "truck-manifest", "ABCD1234567890", "ABCD",
			"none", ""},
		{"AIM PDF417", "]L0CSQU3054383", "container", "CSQU3054383", "CSQ", "ok", ""},
		{"stars", "*123456782RM0001*", "importer-bn15", "123456782RM0001", "123456782", "ok", ""},
		{"AIM and stars", "]A0*8080*", "carrier-code", "8080", "8080", "none", ""},
		{"frame, AIM and stars", "\x02]A0*8080*\x03\r\n", "carrier-code", "8080", "8080", "none", ""},
		{"one star is none", "*8080", "unknown", "*8080", "", "none", ""},
		// what is none
		{"empty", "", "unknown", "", "", "none", ""},
		{"blank", "  ", "unknown", "", "", "none", ""},
		{"one letter", "x", "unknown", "X", "", "none", ""},
		{"spreadsheet", "1.23E+08", "unknown", "1.23E+08", "", "none", ""},
		{"web address", "https://example.com/a?b=1", "unknown", "HTTPS://EXAMPLE.COM/A?B=1", "", "none", ""},
		{"not ASCII", "ÄÖÜ12345", "unknown", "ÄÖÜ12345", "", "none", ""},
		// persons
		{"licence",
			"@\n\x1e\rANSI 636026080102DL00410288ZA03290015DLDAQD12345678\nDCSSAMPLE\nDBA12312028\nDCGUSA\n",
			"driving-licence", "", "636026", "none", ""},
		{"licence, AIM", "]L0@\n\x1e\rANSI 636026080102DL00410288ZA03290015DLDAQD1", "driving-licence", "",
			"636026", "none", ""},
		{"licence without control characters", "@ANSI 636012030001DL00310440DLDCAG", "driving-licence", "",
			"636012", "none", ""},
		{"licence before 2003", "@\n\x1e\rAAMVA6360020102DL", "driving-licence", "", "636002", "none", ""},
		{"licence typed by a wedge", "@^J^^^MANSI 636026080102DL00410288ZA03290015DLDAQD1",
			"driving-licence", "", "636026", "none", ""},
		{"magnetic stripe of a long city", "%ONSAULT ST MARIEDOE$JOHN^1 MAIN ST^?", "driving-licence",
			"", "ON", "none", ""},
		{"magnetic stripe", "%NYALBANY^DOE$JOHN^1 MAIN ST^?", "driving-licence", "", "NY", "none", ""},
		{"second track", ";6360261234567=281219800101?", "driving-licence", "", "636026", "none", ""},
		{"passport", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "travel-document", "", "", "none", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := Readings(c.text)
			best := all[0]
			if string(best.Kind) != c.kind || best.Value != c.value || best.Issuer != c.issuer ||
				string(best.Check) != c.check {
				t.Errorf("%q is %+v; all %+v", c.text, best, all)
			}
			if (best.Check == CheckWrong || best.Check == CheckWeak) && best.Why == "" {
				t.Errorf("%q: nothing says why", c.text)
			}
			for want := range strings.FieldsSeq(c.others) {
				if !has(all[1:], Kind(want)) {
					t.Errorf("%q can be a %s too; have %+v", c.text, want, all)
				}
			}
		})
	}
}

func has(all []Reading, kind Kind) bool {
	for _, r := range all {
		if r.Kind == kind {
			return true
		}
	}
	return false
}

// TestErrors checks that each parser says which field is wrong.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		parse             func(string) (Reading, error)
		text, kind, field string
		reason            string
	}{
		{ParseCarrierCode, "123", "carrier-code", "length", "leading zero"},
		{ParseCarrierCode, "12345", "carrier-code", "length", "5 characters"},
		{ParseCarrierCode, "12 4", "carrier-code", "code", "character 3"},
		{ParseCarrierCode, "-123", "carrier-code", "code", "dash"},
		{ParseCarrierCode, "É123", "carrier-code", "code", "character 1"},
		{ParseCargoControl, "8080", "cargo-control-number", "length", "5 to 25"},
		{ParseCargoControl, "8080 1", "cargo-control-number", "number", "character 5"},
		{ParseCargoControl, "1.23E+08", "cargo-control-number", "number", "spreadsheet"},
		{ParseCargoControl, "8080--", "cargo-control-number", "number", "dashes"},
		{ParseCargoControl, "-0801", "cargo-control-number", "carrier code", "dash"},
		{ParseConveyance, "8080PARS1", "conveyance-reference-number", "number", "PARS"},
		{ParseImporter, "123", "importer-bn15", "length", "15"},
		{ParseImporter, "12345678XRM0001", "importer-bn15", "business number", "nine digits"},
		{ParseImporter, "123456782RC0001", "importer-bn15", "program", "RM"},
		{ParseImporter, "123456782RM000A", "importer-bn15", "reference number", "four digits"},
		{ParseTransaction, "1234512345678", "transaction-number", "length", "14"},
		{ParseTransaction, "1234512345678X", "transaction-number", "number", "digits"},
		{ParseDriverNumber, "123", "driver-number", "length", "4 to 32"},
		{ParseDriverNumber, "12 34", "driver-number", "number", "character 3"},
		{ParseDriverNumber, "ABCDE", "driver-number", "number", "no digit"},
		{ParseACEDriver, "123456", "ace-driver-id", "length", "7"},
		{ParseACEDriver, "12345X7", "ace-driver-id", "number", "digits"},
		{ParseSCAC, "A", "scac", "length", "2 to 4"},
		{ParseSCAC, "AB1", "scac", "code", "letters"},
		{ParseTripNumber, "1234567", "trip-number", "SCAC", "0 letters"},
		{ParseTripNumber, "ABCD", "trip-number", "number", "nothing"},
		{ParseTripNumber, "ABCD1 2", "trip-number", "number", "character 6"},
		{ParseTripNumber, "ABCD1234567890123456789012", "trip-number", "length", "25"},
		{ParseEntryNumber, "B76", "entry-number", "length", "11"},
		{ParseEntryNumber, "B7.03245278", "entry-number", "filer", "letters"},
		{ParseEntryNumber, "B760324527X", "entry-number", "number", "digits"},
		{ParseInBond, "12345678", "in-bond-number", "length", "9"},
		{ParseInBond, "12345678X", "in-bond-number", "number", "digits"},
		{ParseAirWaybill, "589-8114074", "air-waybill", "length", "11"},
		{ParseAirWaybill, "589-8114074X", "air-waybill", "number", "digits"},
		{ParsePostalItem, "RR473124829", "postal-item", "length", "13"},
		{ParsePostalItem, "R1473124829GB", "postal-item", "service", "letters"},
		{ParsePostalItem, "RR47312482XGB", "postal-item", "serial", "digits"},
		{ParsePostalItem, "RR473124829G1", "postal-item", "country", "letters"},
		{ParseULD, "AKE12345", "unit-load-device", "length", "9 or 10"},
		{ParseULD, "A1E12345AC", "unit-load-device", "type", "letters"},
		{ParseULD, "AKEX2345AC", "unit-load-device", "serial", "digits"},
		{ParseULD, "AKE1234512", "unit-load-device", "owner", "letter"},
		{ParseSeal, "AB1", "seal", "length", "4 to 20"},
		{ParseSeal, "AB/1234", "seal", "number", "letters and digits"},
		{ParseSeal, "ABCDE1", "seal", "number", "3 or more"},
		{ParseRailCar, "X1", "rail-car", "reporting mark", "with 1 letter, "},
		{ParseRailCar, "CSX", "rail-car", "number", "1 to 6"},
		{ParseRailCar, "CSX12X", "rail-car", "number", "digits"},
		{ParseRailCar, "CSX000", "rail-car", "number", "zeros"},
		{ParseUICWagon, "2181", "uic-wagon", "length", "12"},
		{ParseUICWagon, "21812471217X", "uic-wagon", "number", "digits"},
		{ParseContainer, "CSQU305438", "container", "length", "11"},
		{ParseContainer, "C1QU3054383", "container", "owner", "letters"},
		{ParseContainer, "CSQX3054383", "container", "category", "U, J or Z"},
		{ParseContainer, "CSQU30543X3", "container", "serial", "digits"},
		{ParseContainer, "CSQU305438322?1", "container", "size and type", "letters"},
		{ParseSSCC, "1", "sscc", "length", "18"},
		{ParseGTIN, "0950110153000X", "gtin", "number", "digits"},
	} {
		_, err := c.parse(c.text)
		var e *Error
		if !errors.As(err, &e) || string(e.Kind) != c.kind || e.Field != c.field || !strings.Contains(e.Reason,
			c.reason) {
			t.Errorf("%q: %v; want %s: %s: …%s…", c.text, err, c.kind, c.field, c.reason)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for _, c := range []struct {
		name, text, want, symbology string
		gs1                         bool
	}{
		{"nothing around it", "8080", "8080", "", false},
		{"Code 128", "]C08080", "8080", "code-128", false},
		{"GS1-128", "]C10012" + gs + "34", "0012" + gs + "34", "gs1-128", true},
		{"Code 39", "]A0XCRS", "XCRS", "code-39", false},
		{"stars", "*XCRS*", "XCRS", "code-39", false},
		{"QR", "]Q1x", "x", "qr", false},
		{"GS1 QR", "]Q3x", "x", "gs1-qr", true},
		{"DataMatrix", "]d1x", "x", "datamatrix", false},
		{"GS1 DataMatrix", "]d2x", "x", "gs1-datamatrix", true},
		{"PDF417", "]L2x", "x", "pdf417", false},
		{"ITF", "]I012", "12", "itf", false},
		{"FNC1", gs + "0012", "0012", "", true},
		{"frame", "\x02x\x03", "x", "", false},
		{"no symbology", "]~0x", "]~0x", "", false},
		{"too short", "]C", "]C", "", false},
		{"nothing between stars", "**", "**", "", false},
	} {
		if s := Unwrap(c.text); s != (Scanned{c.want, c.symbology, c.gs1}) {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

func TestTruckManifest(t *testing.T) {
	for _, c := range []struct {
		name, text, delimiter string
		plates                []ManifestPlate
		repairs               int
		fail                  string
	}{
		{name: "whole", text: "001|ABCD1234567890|20261128|USMI 1AB234|CAON AB12345", plates: []ManifestPlate{{"US",
			"MI", "1AB234"}, {"CA", "ON", "AB12345"}}},
		{name: "other delimiter", text: "001#ABCD1234567890#20261128#USMI 1AB234", delimiter: "#",
			plates: []ManifestPlate{{"US", "MI", "1AB234"}}},
		{name: "plus for blank", text: "001|ABCD1|20261128|USMI+1AB234", plates: []ManifestPlate{{"US", "MI",
			"1AB234"}}, repairs: 1},
		{name: "CR inside and stray digits", text: "0001|ABCD1|2026\r112899|MX   1AB",
			plates: []ManifestPlate{{"MX", "", "1AB"}}, repairs: 3},
		{name: "too many fields", text: "001|ABCD1|20261128|USMI 1AB234|USMI 1AB234|USMI 1AB234", fail: "fields: 6"},
		{name: "empty trailer", text: "001|ABCD1|20261128|USMI 1AB234|", plates: []ManifestPlate{{"US", "MI",
			"1AB234"}}},
		{name: "no day", text: "001|ABCD1|20261328|", fail: "date"},
		{name: "no version", text: "x|ABCD1|20261128", fail: "version"},
		{name: "no trip", text: "001|1234|20261128", fail: "SCAC"},
		{name: "plate too long", text: "001|ABCD1|20261128|USMI 1AB234567", fail: "plate 1"},
		{name: "plate without country", text: "001|ABCD1|20261128|123", fail: "plate 1"},
		{name: "nothing", text: "", fail: "fields"},
	} {
		m, err := ParseTruckManifest(c.text, c.delimiter)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) {
				t.Errorf("%s: %v, %+v; want %s", c.name, err, m, c.fail)
			}
			continue
		}
		if err != nil || len(m.Plates) != len(c.plates) || len(m.Repairs) != c.repairs ||
			m.Date.Format(time.DateOnly) != "2026-11-28" {
			t.Errorf("%s: %v, %+v", c.name, err, m)
			continue
		}
		for i, p := range c.plates {
			if m.Plates[i] != p {
				t.Errorf("%s: plate %d is %+v", c.name, i, m.Plates[i])
			}
		}
	}
}

func TestAEILine(t *testing.T) {
	left := `01/16/2006 10:58,0002,"51","1","19","CSX ","987654","Left","193","6","1","0"`
	right := `01/16/2006 10:58,0003,"51","1","19","CSX ","987654","Right","193","6","1","0"`
	a, err1 := ParseAEILine(left)
	b, err2 := ParseAEILine(right)
	if err1 != nil || err2 != nil || a.Car.Value != b.Car.Value || a.Side != "left" || b.Side != "right" ||
		b.LengthDm != 193 || b.Axles != 6 || b.EquipmentGroup != "19" {
		t.Errorf("%v %v %+v %+v", err1, err2, a, b)
	}
	for _, bad := range []string{"", "1,2", strings.Replace(left, "Left", "Top", 1), strings.Replace(left, "193",
		"x", 1), strings.Replace(left, "01/16", "16/16", 1),
		strings.Replace(left, "CSX ", "1", 1), strings.Replace(left, `"6"`, `"-6"`, 1), `"` + left} {
		if tag, err := ParseAEILine(bad); err == nil {
			t.Errorf("%s is %+v", bad, tag)
		}
	}
}

// TestLicenceKeepsNothingOfThePerson looks for every word of a licence in what is returned.
func TestLicenceKeepsNothingOfThePerson(t *testing.T) {
	text := "@\n\x1e\rANSI 636012030001DL00310440DLDCAG\nDBA20290804\nDCSDOE-SMITH\nDCTJANE\nDBD20240805\nDBB19800804\nDAG12 ELM STREET\nDAJON\nDAQD6101-40706-60905\nDCGCAN\n"
	l, err := ParseLicence(text)
	if err != nil || l.Issuer != "636012" || l.Country != "CAN" || l.State != "ON" || l.Type != "DL" ||
		l.Expires.Format(time.DateOnly) != "2029-08-04" || l.Length != 471 {
		t.Errorf("%v %+v", err, l)
	}
	for _, r := range Readings(text) {
		if s := string(r.Kind) + r.Value + r.Issuer + r.Why; !r.Kind.Personal() || strings.Contains(s, "DOE") ||
			strings.Contains(s, "40706") || strings.Contains(s, "1980") {
			t.Errorf("%+v", r)
		}
	}
	if !HasLicence(text) || HasLicence("8080PARS12345") || HasLicence("ANSI C12 meter") {
		t.Error("a licence is known by its header")
	}
	if !HasLicence("half of it 636\nDCSDOE\nDACJANE") {
		t.Error("a licence's second half holds the person")
	}
}

func TestCSA(t *testing.T) {
	codes := [3]string{"8080", "123456782RM0001", "FN55512345"}
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		c, err := ParseCSA([3]string{codes[order[0]], "]C0" + codes[order[1]], "*" + codes[order[2]] + "*"})
		if err != nil || c.Carrier.Value != codes[0] || c.Importer.Value != codes[1] || c.Driver.Value != codes[2] {
			t.Errorf("%v: %v %+v", order, err, c)
		}
	}
	if _, err := ParseCSA([3]string{"8080", "1234", "123456782RM0001"}); err == nil {
		t.Error("carrier and driver of four digits cannot be told apart")
	}
	if _, err := ParseCSA([3]string{"8080", "100000009RM0001", "123456782RM0001"}); err == nil {
		t.Error("two importers are no driver")
	}
}

func TestPlates(t *testing.T) {
	for text, want := range map[string]string{
		"ab 123-O": "AB123O", "KA-X 12": "KAX12", "京A·12345": "京A12345", "ö-1": "Ö1", "ＡＢ１２": "AB12",
		"": "", "\xff\xfeA1": "A1",
	} {
		if got := NormalPlate(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := PlateSkeleton("AB123O"); got != "A81230" {
		t.Error(got)
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"ABC", "ABC", 0}, {"ABC", "ABD", 1}, {"ABC", "BC", 1}, {"", "AB", 2}, {"A12", "21A", 2}, {"京A1", "沪A1",
		1}, {"", "", 0}, {"ÖÄ", "", 2}} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q is %d, not %d", c.a, c.b, got, c.want)
		}
	}
}
