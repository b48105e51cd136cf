package kinds

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

// body returns an observation of a kind whose fields are all set by fill.
func body(t *testing.T, kind observation.Kind, fill func(protoreflect.Message, protoreflect.FieldDescriptor)) *observation.Observation {
	t.Helper()
	b := (&observation.Body{}).ProtoReflect()
	field := b.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(kind))
	if field == nil {
		t.Fatalf("no body of kind %s", kind.Name())
	}
	of := b.NewField(field)
	fillAll(of.Message(), fill, 0)
	b.Set(field, of)
	return &observation.Observation{Body: b.Interface().(*observation.Body)}
}

func fillAll(m protoreflect.Message, fill func(protoreflect.Message, protoreflect.FieldDescriptor), depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind && depth < 3:
			e := m.Mutable(f).List().AppendMutable()
			fillAll(e.Message(), fill, depth+1)
		case f.Kind() == protoreflect.MessageKind && depth < 3:
			fillAll(m.Mutable(f).Message(), fill, depth+1)
		case f.IsList() && f.Kind() != protoreflect.MessageKind:
			one := m.New()
			single := one.Mutable(f).List()
			single.Append(single.NewElement())
			m.Set(f, one.Get(f))
		case f.Kind() != protoreflect.MessageKind:
			fill(m, f)
		}
	}
}

// full sets a field to something that is not its default.
func full(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString("xyz"))
	case protoreflect.BytesKind:
		m.Set(f, protoreflect.ValueOfBytes([]byte{1, 2}))
	case protoreflect.BoolKind:
		m.Set(f, protoreflect.ValueOfBool(true))
	case protoreflect.EnumKind:
		m.Set(f, protoreflect.ValueOfEnum(1))
	case protoreflect.FloatKind:
		m.Set(f, protoreflect.ValueOfFloat32(2.5))
	case protoreflect.DoubleKind:
		m.Set(f, protoreflect.ValueOfFloat64(2.5))
	case protoreflect.Uint32Kind:
		m.Set(f, protoreflect.ValueOfUint32(3))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		m.Set(f, protoreflect.ValueOfInt32(3))
	case protoreflect.Uint64Kind:
		m.Set(f, protoreflect.ValueOfUint64(3))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		m.Set(f, protoreflect.ValueOfInt64(3))
	}
}

// hostile sets numbers that are none or huge, and nothing else.
func hostile(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.FloatKind:
		m.Set(f, protoreflect.ValueOfFloat32(float32(math.NaN())))
	case protoreflect.DoubleKind:
		m.Set(f, protoreflect.ValueOfFloat64(math.Inf(1)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		m.Set(f, protoreflect.ValueOfInt64(math.MinInt64))
	case protoreflect.Uint32Kind:
		m.Set(f, protoreflect.ValueOfUint32(math.MaxUint32))
	case protoreflect.EnumKind:
		m.Set(f, protoreflect.ValueOfEnum(99))
	}
}

// programmers finds words of programs: enumerations, field names in either spelling, marks of formats.
var programmers = regexp.MustCompile(`[a-z]+_[a-z]+|[A-Z]+_[A-Z]+|\b[a-z]+[a-z0-9]*(Ns|Ms|Milli|Kph|Kg|Dbm)\b|%!|\bfloat64\b|-0\b|NaN|\bInf\b`)

// Every kind of the vocabulary has a sentence in both languages, and none that a program wrote.
func TestEveryKind(t *testing.T) {
	for n := range observation.Kind_name {
		kind := observation.Kind(n)
		if kind == observation.Kind_KIND_UNSPECIFIED {
			continue
		}
		t.Run(kind.Name(), func(t *testing.T) {
			if _, ok := table[kind]; !ok {
				t.Fatal("the kind has no entry in the table")
			}
			for _, o := range []*observation.Observation{
				body(t, kind, full), body(t, kind, hostile), body(t, kind, func(protoreflect.Message, protoreflect.FieldDescriptor) {}),
			} {
				s := Sentence(o)
				for _, text := range []string{s.EN, s.FR} {
					if found := programmers.FindString(text); found != "" {
						t.Errorf("%q holds %q", text, found)
					}
				}
				if (s.EN == "") != (s.FR == "") {
					t.Errorf("one language only: %q, %q", s.EN, s.FR)
				}
			}
			s := Sentence(body(t, kind, full))
			if s.EN == "" || s.FR == "" {
				t.Errorf("English %q, French %q", s.EN, s.FR)
			}
		})
	}
	if got := Sentence(&observation.Observation{Body: &observation.Body{}}); got != (Text{}) {
		t.Errorf("an unknown kind says %+v", got)
	}
	if got := Sentence(&observation.Observation{}); got != (Text{}) {
		t.Errorf("no body says %+v", got)
	}
}

// plain makes no-break spaces plain, so that tables can be read.
func plain(s string) string { return strings.ReplaceAll(s, nbsp, " ") }

func TestSentences(t *testing.T) {
	gross := 34_050.0
	volts := float32(118)
	for name, c := range map[string]struct {
		of     proto.Message
		en, fr string
	}{
		"gamma alarm": {
			&observation.RadiationOccupancy{GammaAlarm: true, SigmaMax: 41, SigmaLimit: 7, SpeedKph: 7, End: observation.RadiationOccupancy_END_MARKED},
			"Gamma alarm, gamma 41 σ over background (limit 7 σ), 7.0 km/h", "Alarme gamma, gamma à 41 σ au-dessus du fond (seuil 7 σ), 7,0 km/h",
		},
		"potassium": {
			&observation.RadiationSpectrum{
				Alarms: []*observation.RadiationAlarm{{Category: "Gamma"}}, Nuclides: []*observation.Nuclide{{Name: "K-40", Confidence: 72}},
				GammaCounts: 24_050, LiveSeconds: 5.2, Detectors: 4, DoseRateMax: 0.31, WarningCount: 1,
			},
			"Alarm (gamma), K-40 at 72 %, gamma 24,050 counts in 5.2 s, at most 0.31 µSv/h, 4 detectors, 1 part of the document not read",
			"Alarme (gamma), K-40 à 72 %, gamma 24 050 coups en 5,2 s, au plus 0,31 µSv/h, 4 détecteurs, 1 partie du document non lue",
		},
		"two classes": {
			&observation.RadiationSpectrum{Classes: []*observation.MeasurementClass{{Name: "Foreground", GammaCounts: 100, LiveSeconds: 2}, {Name: "Background", GammaCounts: 1, LiveSeconds: 1}}, Detectors: 1},
			"Vehicle 100 counts in 2 s, background 1 count in 1 s, 1 detector", "Véhicule 100 coups en 2 s, fond 1 coup en 1 s, 1 détecteur",
		},
		"linear accelerator": {
			&observation.XrayImage{OoiId: "MSCU6639871", Rows: 640, Columns: 2400, Kvp: 6000, HighEnergy: true},
			"Image of MSCU6639871, 2,400 × 640 pixels, 6 MV, high energy", "Image de MSCU6639871, 2 400 × 640 pixels, 6 MV, haute énergie",
		},
		"drift of minus nothing": {
			&observation.XrayQuality{AirShare: 0.4, AirLevel: 52_000, AirNoise: 0.0033, AirScans: 3, AirDrift: -0.00001, Detectors: 640},
			"Air level 52,000, noise 0.33 %, air drift 0 %, all 640 detectors OK", "Niveau d’air 52 000, bruit 0,33 %, dérive de l’air 0 %, les 640 détecteurs fonctionnent",
		},
		"case of a substance and a threat": {
			&observation.CaseOpened{Alarms: []*observation.CaseAlarm{{Device: "ion-1", Kind: uint32(observation.Kind_KIND_TRACE_ANALYSIS), Found: []string{"MDA"}},
				{Device: "xray-1", Kind: uint32(observation.Kind_KIND_XRAY_THREAT_REPORT), Found: []string{"contraband"}}}},
			"Case opened: MDA: swab alarm of ion-1; contraband: threat in the image of xray-1", "Dossier ouvert : MDA : alarme du prélèvement de ion-1 ; contrebande : menace dans l’image de xray-1",
		},
		"mains": {
			&observation.SitePower{Status: "OL CHRG", InputVolts: &volts}, "On mains, charging, mains 118 V", "Sur secteur, en charge, secteur 118 V",
		},
		"phases": {
			&observation.SitePower{Status: "OB", InputPhases: []*observation.PhaseVolts{{Phase: "L1-N", Volts: 230}, {Phase: "L2-N", Volts: 0}}, Alarm: "Phase failure"},
			"On battery, mains L1-N 230 V, L2-N 0 V: Phase failure", "Sur batterie, secteur L1-N 230 V, L2-N 0 V",
		},
		"net weight": {
			&observation.VehicleWeight{Kg: 24_050, Net: true, GrossKg: &gross, TareKg: 10_000}, "24,050 kg net, 34,050 kg gross, tare 10,000 kg", "24 050 kg net, 34 050 kg brut, tare 10 000 kg",
		},
		"wrong check digit": {
			&observation.VehicleCode{
				Type: "container", Value: "MSCU6639870", Check: "wrong", Entry: "manual",
				Alternatives: []*observation.CodeReading{{Type: "seal", Value: "MSCU6639870"}, {Type: "scac", Value: "MSCU", Check: "weak"}},
			},
			"Container MSCU6639870, check digit wrong: misread or mistyped, could also be seal MSCU6639870 or carrier code (SCAC) MSCU (check digit weak: some errors go unseen), typed in",
			"Conteneur MSCU6639870, chiffre de contrôle faux : mal lu ou mal saisi, peut aussi être sceau MSCU6639870 ou code de transporteur (SCAC) MSCU (contrôle faible : des erreurs peuvent passer), saisi à la main",
		},
		"in maintenance": {
			&observation.DeviceMaintenance{UntilNs: 1796133600e9, By: "kay", Reason: "new tube"},
			"In maintenance until " + message.Time("", time.Unix(1796133600, 0)).Value.In(message.English) + ", says kay: nothing that it reports is an alarm or of a vehicle: new tube",
			"En maintenance jusqu’à " + plain(message.Time("", time.Unix(1796133600, 0)).Value.In(message.French)) + ", dit kay : rien de ce qu’il signale n’est une alarme ni d’un véhicule",
		},
		"maintenance over":  {&observation.DeviceMaintenance{Expired: true}, "Maintenance is over: its time is up", "Maintenance terminée : son temps est écoulé"},
		"maintenance ended": {&observation.DeviceMaintenance{By: "kay"}, "Maintenance ended by kay", "Maintenance terminée par kay"},
		"device down": {
			&observation.DeviceState{State: observation.DeviceState_STATE_DOWN, Reason: "connection refused"}, "No link: connection refused", "Pas de liaison",
		},
		"tag with chip": {
			&observation.VehicleTag{Epc: []byte{0xe2, 0x80}, Tid: []byte{0xe2, 0, 0x34}, Reads: 1, Antennas: []*observation.AntennaReads{{Antenna: 1}}},
			"Tag e280, chip e20034, 1 read, by 1 antenna", "Étiquette e280, puce e20034, 1 lecture, par 1 antenne",
		},
		"no plate": {&observation.VehiclePlate{}, "No plate read", "Aucune plaque lue"},
		"passage": {
			&observation.PassageClosed{Plate: "BCKR 482", End: observation.PassageEnd_PASSAGE_END_LEFT, Alarm: true, SpeedKph: 6.72, Readings: make([]*observation.PassageReading, 1)},
			"Vehicle BCKR 482 left the lane, with an alarm, 6.7 km/h, 1 reading", "Véhicule BCKR 482 sorti de la voie, avec une alarme, 6,7 km/h, 1 lecture",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sentence(observation.New(observation.Class_CLASS_EVENT, time.Unix(0, 0), c.of))
			if plain(got.English()) != c.en || plain(got.FR) != c.fr {
				t.Errorf("\n%q\n%q, expected\n%q\n%q", plain(got.English()), plain(got.FR), c.en, c.fr)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[float64]string{41: "41 s", 540: "9 min", 3540: "59 min", 10_020: "2 h 47", 3599: "1 h 00", 400_000: "4 days", -3: "0 s", math.NaN(): "0 s"} {
		if got := plain(span(seconds).EN); got != want {
			t.Errorf("%v s: %q, expected %q", seconds, got, want)
		}
	}
}

// TestCodes: each sentence that the package says is in the catalogue with the same values, and the catalogue has none
// that it never says.
func TestCodes(t *testing.T) {
	used := map[string]bool{}
	for code, args := range calls(t) {
		if used[code] = true; strings.HasSuffix(code, ".*") {
			continue
		}
		entry := message.EntryOf("kinds."+code, message.English)
		if entry == (message.Entry{}) {
			t.Errorf("%s is not in the catalogue", code)
			continue
		}
		var want []string
		for _, m := range regexp.MustCompile(`\{\{\.(\w+)\}\}`).FindAllStringSubmatch(entry.Other, -1) {
			want = append(want, m[1])
		}
		slices.Sort(want)
		if args != nil && !slices.Equal(slices.Compact(want), args) {
			t.Errorf("%s is said with %v, its entry has %v", code, args, want)
		}
	}
	for _, code := range message.Codes() {
		group, own := strings.CutPrefix(code, "kinds.")
		if own && !used[group] && !used[group[:strings.Index(group, ".")]+".*"] {
			t.Errorf("%s is never said", code)
		}
	}
}

// calls returns the codes in the package's source, with the sorted names of the values, nil where those are not
// literal; GROUP.* for the groups of device vocabularies.
func calls(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				noteCall(n, out)
			case *ast.KeyValueExpr: // of a map from values of an enumeration to codes
				if code := literal(n.Value); strings.Contains(code, ".") {
					out[code] = nil
				}
			}
			return true
		})
	}
	return out
}

func noteCall(n *ast.CallExpr, out map[string][]string) {
	f, ok := n.Fun.(*ast.Ident)
	if !ok || len(n.Args) == 0 {
		return
	}
	code := literal(n.Args[0])
	switch f.Name {
	case "say":
		args := []string{}
		for _, a := range n.Args[1:] {
			if call, ok := a.(*ast.CallExpr); ok {
				args = append(args, literal(call.Args[0]))
			}
		}
		slices.Sort(args)
		out[code] = args
	case "count":
		out[code] = []string{"n"}
	case "optional", "rate":
		out[code] = []string{"value"}
	case "name":
		out[code+".*"] = nil
	}
	delete(out, "") // the code is not literal
	delete(out, ".*")
}

func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		return strings.Trim(lit.Value, "\"`")
	}
	return ""
}

// TestTestTitle: the row of a guided test has its title in English only; French says it in French.
func TestTestTitle(t *testing.T) {
	for title, want := range map[string]string{
		"Zero and span":  "Essai « Zéro et étendue » échoué, vérifications échouées : 1 sur 1",
		"Of a newer day": "Essai « Of a newer day » échoué, vérifications échouées : 1 sur 1",
	} {
		b := &observation.DeviceTest{Test: "zero-span", Title: title, Verdict: observation.DeviceTest_VERDICT_FAILED,
			Checks: []*observation.TestCheck{{Name: "span"}}}
		o := observation.New(observation.Class_CLASS_EVENT, time.Unix(0, 0), b)
		if got := plain(Sentence(o).FR); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestClearanceSentences(t *testing.T) {
	decision := &observation.ClearanceDecision{
		Outcome: "HOLD", Decided: "REFER", OverriddenBy: "4127", Plates: []string{"BKL7302"}, Exams: []string{"RPM", "IMG"},
		Reasons: []*observation.ClearanceReason{{Code: "ALARM"}, {Code: "MANUAL-ENTRY"}},
	}
	o := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), decision)
	got := Sentence(o)
	if want := "HOLD for BKL7302, by 4127, against REFER, ALARM; 1 more reason, examinations: RPM, IMG"; got.EN != want {
		t.Errorf("got %q, want %q", got.EN, want)
	}
	if want := "RETENIR pour BKL7302, par 4127, contre EXAMEN, ALARM\u00a0; 1 autre motif, examens\u00a0: RPM, IMG"; got.FR != want {
		t.Errorf("got %q, want %q", got.FR, want)
	}
	decision.Ended, decision.Plates = true, nil
	if got := Sentence(o).EN; !strings.HasPrefix(got, "Vehicle without plate left, HOLD") {
		t.Errorf("got %q", got)
	}
}
