package kinds

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"lanewarden/drivers/observation"
)

// Every value of the enumerations of passages has words of its own in both languages, and a value of a later version has
// some.
func TestPassageWords(t *testing.T) {
	for _, c := range []struct {
		values protoreflect.EnumDescriptor
		say    func(int32) Text
	}{
		{observation.PassageEnd(0).Descriptor(), func(n int32) Text { return PassageEnd(observation.PassageEnd(n)) }},
		{observation.PassageGap(0).Descriptor(), func(n int32) Text { return PassageGap(observation.PassageGap(n)) }},
		{observation.PassageDirection(0).Descriptor(), func(n int32) Text { return PassageDirection(observation.PassageDirection(n)) }},
		{observation.PassageState(0).Descriptor(), func(n int32) Text { return PassageState(observation.PassageState(n)) }},
		{observation.PassageTerm_Kind(0).Descriptor(), func(n int32) Text { return PassageTermKind(observation.PassageTerm_Kind(n)) }},
	} {
		t.Run(string(c.values.Name()), func(t *testing.T) {
			seen := map[string]protoreflect.Name{}
			for i := range c.values.Values().Len() {
				v := c.values.Values().Get(i)
				words := c.say(int32(v.Number()))
				for _, text := range []string{words.EN, words.FR} {
					if text == "" || programmers.MatchString(text) {
						t.Errorf("%s is %q in one language", v.Name(), text)
					}
					if other, twice := seen[text]; twice {
						t.Errorf("%s and %s are both %q", v.Name(), other, text)
					}
					seen[text] = v.Name()
				}
			}
			if words := c.say(1000); words.EN == "" || words.FR == "" {
				t.Errorf("a value of a later version is %q, %q", words.EN, words.FR)
			}
		})
	}
}

func reading(device string, class observation.Class, confidence float32, other string, otherConfidence float32) *observation.PassageReading {
	return &observation.PassageReading{
		Device: device, Class: uint32(class), Confidence: confidence, Other: other, OtherConfidence: otherConfidence, Reason: "matches loop-1",
	}
}

func TestPassageSentences(t *testing.T) {
	const event, alarm = observation.Class_CLASS_EVENT, observation.Class_CLASS_ALARM
	many := []*observation.PassageReading{
		reading("lpr-1", event, 0.7, "x", 0.3), reading("rpm-1", alarm, 0.62, "x", 0.38), reading("loop-1", event, 1, "", 0),
		reading("scale-1", event, 0.8, "", 0.2), reading("rfid-1", event, 0.9, "y", 0.1), reading("ocr-1", event, 0.9, "y", 0.1),
	}
	for name, c := range map[string]struct {
		of     proto.Message
		en, fr string
	}{
		"opened": {
			&observation.PassageOpened{Lane: "lane-1", Readings: []*observation.PassageReading{{Station: "entry"}}},
			"Vehicle entered lane lane-1 at entry", "Véhicule entré dans la voie lane-1 au poste entry",
		},
		"opened with several": {
			&observation.PassageOpened{Lane: "lane-1", Readings: []*observation.PassageReading{{Station: "entry"}, reading("rpm-1", alarm, 0.62, "x", 0.38)}},
			"Vehicle entered lane lane-1 at entry, 2 readings, alarm of rpm-1: this vehicle (62 %) or passage x (38 %)",
			"Véhicule entré dans la voie lane-1 au poste entry, 2 lectures, alarme de rpm-1 : ce véhicule (62 %) ou passage x (38 %)",
		},
		"opened with none": {&observation.PassageOpened{Lane: "lane-1"}, "Vehicle entered lane lane-1", "Véhicule entré dans la voie lane-1"},
		"updated": {
			&observation.PassageUpdated{Id: "p", Readings: []*observation.PassageReading{reading("lpr-1", event, 1, "", 0)}, AfterClose: true},
			"Reading of lpr-1 belongs to passage p, after the vehicle had left: matches loop-1",
			"Lecture de lpr-1 : passage p, après le départ du véhicule",
		},
		"updated with an alarm": {
			&observation.PassageUpdated{Id: "p", Readings: []*observation.PassageReading{reading("rpm-1", alarm, 1, "", 0)}},
			"Alarm of rpm-1 belongs to passage p: matches loop-1", "Alarme de rpm-1 : passage p",
		},
		"updated, uncertain": {
			&observation.PassageUpdated{Id: "p", Readings: []*observation.PassageReading{reading("rpm-1", alarm, 0.62, "x", 0.38)}},
			"In passage p, alarm of rpm-1: this vehicle (62 %) or passage x (38 %): matches loop-1",
			"Dans le passage p, alarme de rpm-1 : ce véhicule (62 %) ou passage x (38 %)",
		},
		"updated with several": {
			&observation.PassageUpdated{Id: "p", Readings: many},
			"6 readings belong to passage p (lpr-1, rpm-1, loop-1, scale-1, rfid-1 and 1 more), " +
				"alarm of rpm-1: this vehicle (62 %) or passage x (38 %); reading of lpr-1: this vehicle (70 %) or passage x (30 %); " +
				"reading of scale-1: this vehicle (80 %) or no vehicle of this lane (20 %); 2 more readings are uncertain",
			"6 lectures : passage p (lpr-1, rpm-1, loop-1, scale-1, rfid-1 et 1 autre), " +
				"alarme de rpm-1 : ce véhicule (62 %) ou passage x (38 %) ; lecture de lpr-1 : ce véhicule (70 %) ou passage x (30 %) ; " +
				"lecture de scale-1 : ce véhicule (80 %) ou aucun véhicule de cette voie (20 %) ; 2 autres lectures sont incertaines",
		},
		"updated with nothing": {&observation.PassageUpdated{Id: "p"}, "Passage p", "Passage p"},
		"closed, possible alarm": {
			&observation.PassageClosed{
				Plate: "ABC123", End: observation.PassageEnd_PASSAGE_END_LEFT, State: observation.PassageState_PASSAGE_STATE_CLOSED, AlarmPossible: true,
				Readings: many[2:3], Possible: []*observation.PassageReading{reading("rpm-1", alarm, 0.38, "w", 0.62)},
			},
			"Vehicle ABC123 left the lane, possible alarm, 1 reading, alarm of rpm-1: this vehicle (38 %) or passage w (62 %)",
			"Véhicule ABC123 sorti de la voie, alarme possible, 1 lecture, alarme de rpm-1 : ce véhicule (38 %) ou passage w (62 %)",
		},
		"closed by an earlier version": {
			&observation.PassageClosed{Plate: "ABC123"}, "Vehicle ABC123 closed, it is not known why, 0 readings", "Véhicule ABC123 fermé, motif inconnu, 0 lecture",
		},
		"still open": {
			&observation.PassageClosed{State: observation.PassageState_PASSAGE_STATE_OPEN, Direction: observation.PassageDirection_PASSAGE_DIRECTION_REVERSE},
			"Vehicle without plate in the lane, in reverse, 0 readings", "Véhicule sans plaque dans la voie, marche arrière, 0 lecture",
		},
		"corrected by the lane": {
			&observation.PassageCorrected{Idx: 12, From: "a", To: "b", By: "lane", Reason: "with what came since: matches loop-1", Reading: reading("rpm-1", alarm, 0.62, "a", 0.38)},
			"Alarm of rpm-1 (row 12) moved from passage a to passage b, by Lanewarden, this vehicle (62 %) or passage a (38 %): with what came since: matches loop-1",
			"Alarme de rpm-1 (ligne 12) : du passage a au passage b, par Lanewarden, ce véhicule (62 %) ou passage a (38 %)",
		},
		"corrected by an earlier version": {
			&observation.PassageCorrected{Idx: 12, From: "a", To: "b", By: "officer-7"},
			"Row 12 moved from passage a to passage b, by officer-7", "Ligne 12 : du passage a au passage b, par officer-7",
		},
		"belonged to none":  {&observation.PassageCorrected{Idx: 12, To: "b", By: "officer-7"}, "Row 12 moved to passage b, by officer-7", "Ligne 12 : au passage b, par officer-7"},
		"detached":          {&observation.PassageCorrected{Idx: 12, From: "a", By: "officer-7"}, "Row 12 detached from passage a, by officer-7", "Ligne 12 : détachée du passage a, par officer-7"},
		"stays":             {&observation.PassageCorrected{Idx: 12, From: "a", To: "a", By: "officer-7"}, "Row 12 stays in passage a, by officer-7", "Ligne 12 : reste dans le passage a, par officer-7"},
		"stays with nobody": {&observation.PassageCorrected{Idx: 12, By: "officer-7"}, "Row 12 belongs to no passage, by officer-7", "Ligne 12 : à aucun passage, par officer-7"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Sentence(observation.New(observation.Class_CLASS_EVENT, time.Unix(0, 0), c.of))
			if plain(got.English()) != c.en || plain(got.FR) != c.fr {
				t.Errorf("\n%q\n%q, expected\n%q\n%q", plain(got.English()), plain(got.FR), c.en, c.fr)
			}
		})
	}
}

// What is not certain is not shown as certain, and what is possible not as impossible.
func TestProbability(t *testing.T) {
	for p, want := range map[float32]string{0: "0 %", 0.0001: "1 %", 0.005: "1 %", 0.62: "62 %", 0.994: "99 %", 0.9999: "99 %", 1: "100 %"} {
		if got := plain(Probability(p).EN); got != want {
			t.Errorf("%v: %s, expected %s", p, got, want)
		}
	}
}

func TestPassageTerms(t *testing.T) {
	for name, c := range map[string]struct {
		of     *observation.PassageTerm
		en, fr string
	}{
		"late": {
			&observation.PassageTerm{Kind: observation.PassageTerm_KIND_ARRIVAL, ResidualS: 0.4, SigmaS: 0.6, From: "loop-1"},
			"arrival 0.4 s later than predicted from loop-1 (± 0.6 s)", "arrivée 0,4 s plus tard que prévu depuis loop-1 (± 0,6 s)",
		},
		"early": {
			&observation.PassageTerm{Kind: observation.PassageTerm_KIND_ARRIVAL, ResidualS: -1.25, SigmaS: 0.6, From: "loop-1"},
			"arrival 1.2 s earlier than predicted from loop-1 (± 0.6 s)", "arrivée 1,2 s plus tôt que prévu depuis loop-1 (± 0,6 s)",
		},
		"on time": {
			&observation.PassageTerm{Kind: observation.PassageTerm_KIND_ARRIVAL, ResidualS: 0.01, SigmaS: 0.6, From: "loop-1"},
			"arrival as predicted from loop-1 (± 0.6 s)", "arrivée comme prévu depuis loop-1 (± 0,6 s)",
		},
		"queue": {
			&observation.PassageTerm{Kind: observation.PassageTerm_KIND_QUEUE, ResidualS: 12, SigmaS: 2, From: "loop-1"},
			"arrival 12 s later than predicted from loop-1 (± 2 s), behind the vehicle ahead",
			"arrivée 12 s plus tard que prévu depuis loop-1 (± 2 s), derrière le véhicule précédent",
		},
		"arrival without numbers": {&observation.PassageTerm{Kind: observation.PassageTerm_KIND_ARRIVAL}, "arrival", "arrivée"},
		"name":                    {&observation.PassageTerm{Kind: observation.PassageTerm_KIND_NAME, From: "ABC123"}, "name ABC123", "nom ABC123"},
		"person":                  {&observation.PassageTerm{Kind: observation.PassageTerm_KIND_PIN, From: "officer-7"}, "officer-7 said so", "officer-7 l’a dit"},
		"nothing":                 {nil, "something that this version does not know", "élément que cette version ignore"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := PassageTerm(c.of); plain(got.EN) != c.en || plain(got.FR) != c.fr || strings.Contains(got.EN, "  ") {
				t.Errorf("%q, %q, expected %q, %q", plain(got.EN), plain(got.FR), c.en, c.fr)
			}
		})
	}
}
