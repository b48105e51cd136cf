package kinds

import (
	"encoding/hex"
	"strings"

	"lanewarden/drivers/observation"
)

func vehicleDetection(b *observation.VehicleDetection) Text {
	where := Text{EN: "vehicle", FR: "véhicule"}
	if b.Station != "" {
		where = say("vehicle at %s", "véhicule à %s", b.Station)
	}
	seconds := float64(b.EndNs-b.StartNs) / 1e9
	return sentence(where,
		when(b.Direction != "", name(directions, b.Direction)),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.LengthM > 0, unit(float64(b.LengthM), 1, "m")),
		when(b.EndNs > b.StartNs, say("there for %s", "présent %s", unit(seconds, 1, "s"))),
		when(b.EndNs == 0, Text{EN: "still there", FR: "encore là"}),
		when(b.TurnedBack, Text{EN: "turned back", FR: "reparti en arrière"}))
}

func vehicleTag(b *observation.VehicleTag) Text {
	id := b.Uri
	if id == "" {
		id = hex.EncodeToString(b.Epc)
	}
	antennas := count(len(b.Antennas), "antenna", "antennas", "antenne", "antennes")
	t := sentence(
		say("tag %s", "étiquette %s", id),
		when(len(b.Tid) > 0, say("chip %s", "puce %s", hex.EncodeToString(b.Tid))),
		when(b.Reads > 0, count(b.Reads, "read", "reads", "lecture", "lectures")),
		when(len(b.Antennas) > 0, say("by %s", "par %s", antennas)),
		when(b.RssiMaxDbm != 0, unit(float64(b.RssiMaxDbm), 0, "dBm")))
	t.Words = join("; ", wordsOf(b.MemoryFaults)...).Words
	return t
}

func wordsOf(all []string) (out []Text) {
	for _, s := range distinct(all) {
		out = append(out, Text{Words: s})
	}
	return out
}

func vehiclePlate(b *observation.VehiclePlate) Text {
	plate := orText(b.Plate, Text{EN: "no plate read", FR: "aucune plaque lue"})
	var others []string
	for _, a := range b.Alternatives {
		if a.Plate != b.Plate {
			others = append(others, a.Plate)
		}
	}
	return sentence(
		plate,
		when(b.Region != "", say("%s", "%s", strings.ToUpper(b.Region))),
		when(b.Confidence > 0, say("certainty %s", "certitude %s", percent(float64(b.Confidence), 0))),
		when(len(others) > 0, say("could also be %s", "peut aussi être %s", list(distinct(others)))),
		when(b.Direction != "", name(directions, b.Direction)),
		when(b.VehicleType != "", name(nil, b.VehicleType)))
}

func vehicleWeight(b *observation.VehicleWeight) Text {
	kind := Text{}
	if b.Net {
		kind = Text{EN: "net", FR: "net"}
	}
	weight := unit(b.Kg, 0, "kg")
	if kind.EN != "" {
		weight = say("%s %s", "%s %s", weight, kind)
	}
	return sentence(weight,
		when(b.Net && b.GrossKg != nil, say("%s gross", "%s brut", unit(b.GetGrossKg(), 0, "kg"))),
		when(b.Net && b.GrossKg == nil, Text{EN: "gross weight not known", FR: "masse brute inconnue"}),
		when(b.TareKg != 0, say("tare %s", "tare %s", unit(b.TareKg, 0, "kg"))),
		when(b.Axle > 0, say("axle %s", "essieu %s", b.Axle)),
		when(b.Overload, Text{EN: "overload", FR: "surcharge"}),
		when(b.Unstable, Text{EN: "never at rest: the largest weight seen", FR: "jamais stable : la plus grande masse vue"}),
		when(b.Seconds > 0, say("on the scale for %s", "sur la bascule %s", unit(float64(b.Seconds), 1, "s"))))
}

// codeTypes are the identifiers of drivers/identifier.
var codeTypes = map[string]Text{
	"unknown":                     {EN: "code", FR: "code"},
	"carrier-code":                {EN: "carrier code", FR: "code de transporteur"},
	"cargo-control-number":        {EN: "cargo control number", FR: "numéro de contrôle du fret"},
	"conveyance-reference-number": {EN: "conveyance reference number", FR: "numéro de référence du moyen de transport"},
	"importer-bn15":               {EN: "importer’s business number", FR: "numéro d’entreprise de l’importateur"},
	"transaction-number":          {EN: "transaction number", FR: "numéro de transaction"},
	"driver-number":               {EN: "driver number", FR: "numéro de conducteur"},
	"driver-card":                 {EN: "driver’s card", FR: "carte de conducteur"},
	"carrier-card":                {EN: "carrier’s card", FR: "carte de transporteur"},
	"ace-driver-id":               {EN: "ACE driver number", FR: "numéro de conducteur ACE"},
	"scac":                        {EN: "carrier code (SCAC)", FR: "code de transporteur (SCAC)"},
	"trip-number":                 {EN: "trip number", FR: "numéro de voyage"},
	"truck-manifest":              {EN: "truck manifest", FR: "manifeste de camion"},
	"entry-number":                {EN: "entry number", FR: "numéro de déclaration"},
	"in-bond-number":              {EN: "in-bond number", FR: "numéro de transit sous douane"},
	"container":                   {EN: "container", FR: "conteneur"},
	"rail-car":                    {EN: "rail car", FR: "wagon"},
	"uic-wagon":                   {EN: "wagon", FR: "wagon UIC"},
	"seal":                        {EN: "seal", FR: "sceau"},
	"air-waybill":                 {EN: "air waybill", FR: "lettre de transport aérien"},
	"postal-item":                 {EN: "postal item", FR: "envoi postal"},
	"unit-load-device":            {EN: "air cargo unit", FR: "unité de chargement aérienne"},
	"sscc":                        {EN: "logistic unit (SSCC)", FR: "unité logistique (SSCC)"},
	"gtin":                        {EN: "article number (GTIN)", FR: "numéro d’article (GTIN)"},
	"gs1-consignment":             {EN: "consignment number", FR: "numéro d’expédition"},
	"gs1-shipment":                {EN: "shipment number", FR: "numéro d’envoi"},
	"gs1-returnable-asset":        {EN: "returnable asset", FR: "bien consigné"},
	"gs1-individual-asset":        {EN: "individual asset", FR: "bien individuel"},
	"gs1":                         {EN: "GS1 code", FR: "code GS1"},
	"driving-licence":             {EN: "driving licence", FR: "permis de conduire"},
	"travel-document":             {EN: "travel document", FR: "document de voyage"},
}

var symbologies = map[string]Text{
	"qr":          {EN: "QR code", FR: "code QR"},
	"code-39":     {EN: "Code 39", FR: "Code 39"},
	"code-128":    {EN: "Code 128", FR: "Code 128"},
	"gs1-128":     {EN: "GS1-128", FR: "GS1-128"},
	"pdf417":      {EN: "PDF417", FR: "PDF417"},
	"data-matrix": {EN: "Data Matrix", FR: "Data Matrix"},
}

func vehicleCode(b *observation.VehicleCode) Text {
	value := b.Value
	if value == "" {
		value = b.Text
	}
	kind := b.Type
	if kind == "" {
		kind = "unknown"
	}
	what := name(codeTypes, kind)
	if value != "" {
		what = say("%s %s", "%s %s", what, value)
	}
	t := sentence(what,
		when(b.Carrier != "", say("issued by %s", "émis par %s", b.Carrier)),
		check(b.Check, b.CheckFailed),
		alternatives(b.Alternatives),
		when(b.Entry == "manual", Text{EN: "typed in", FR: "saisi à la main"}),
		when(b.Symbology != "" && b.Entry != "manual", name(symbologies, b.Symbology)))
	t.Words = b.Note
	return t
}

// check says what a check digit says, where that is not that it is right.
func check(strength string, failed bool) Text {
	switch {
	case strength == "wrong", strength == "" && failed:
		return Text{EN: "check digit wrong: misread or mistyped", FR: "chiffre de contrôle faux : mal lu ou mal saisi"}
	case strength == "weak":
		return Text{EN: "check digit weak: some errors go unseen", FR: "contrôle faible : des erreurs peuvent passer"}
	}
	return Text{}
}

// alternatives are the other things that a code can be.
func alternatives(all []*observation.CodeReading) Text {
	const most = 3
	var parts []Text
	for _, a := range all[:min(len(all), most)] {
		part := name(codeTypes, a.Type)
		if a.Value != "" {
			part = say("%s %s", "%s %s", part, a.Value)
		}
		if c := check(a.Check, false); c.EN != "" {
			part = say("%s (%s)", "%s (%s)", part, c)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return Text{}
	}
	return say("could also be %s", "peut aussi être %s",
		Text{EN: join(" or ", parts...).EN, FR: join(" ou ", parts...).FR})
}

// onOff are the values of outputs.
var onOff = map[string]Text{"on": {EN: "on", FR: "en marche"}, "off": {EN: "off", FR: "à l’arrêt"}}

func laneOutput(b *observation.LaneOutput) Text {
	t := sentence(say("output %s set to %s", "sortie %s mise sur %s", b.Output, name(onOff, b.Value)),
		when(b.SafeState, Text{EN: "safe state", FR: "état sûr"}))
	t.Words = b.Reason
	return t
}
