package kinds

import (
	"encoding/json"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
)

var states = map[observation.DeviceState_State]Text{
	observation.DeviceState_STATE_CONNECTING: {EN: "Connecting", FR: "Connexion en cours"},
	observation.DeviceState_STATE_RUNNING:    {EN: "OK", FR: "Fonctionne"},
	observation.DeviceState_STATE_SILENT:     {EN: "Connected, but nothing comes", FR: "Relié, mais rien n’arrive"},
	observation.DeviceState_STATE_DOWN:       {EN: "No link", FR: "Pas de liaison"},
	observation.DeviceState_STATE_STOPPED:    {EN: "Stopped", FR: "Arrêté"},
}

func deviceState(b *observation.DeviceState) Text {
	return states[b.State].saying(b.Message, b.Reason)
}

func deviceFault(b *observation.DeviceFault) Text {
	t := Text{EN: "Input not understood", FR: "Entrée non comprise"}
	if b.Count > 1 {
		t = say("Input not understood %s", "Entrée non comprise %s", count(b.Count, "time", "times", "fois", "fois"))
	}
	if b.Source != "" {
		t = say("%s, from %s", "%s, de %s", t, b.Source)
	}
	return t.saying(b.Message, b.Reason)
}

func deviceImport(b *observation.DeviceImport) Text {
	file := orText(b.Name, Text{EN: "a file", FR: "un fichier"})
	return sentence(say("read %s", "lu %s", file),
		count(b.Lines, "line", "lines", "ligne", "lignes"),
		say("%s new", "dont %s", count(b.Added, "record", "records", "nouvel enregistrement", "nouveaux enregistrements")),
		when(b.Faults > 0, count(b.Faults, "line not understood", "lines not understood",
			"ligne non comprise", "lignes non comprises")))
}

func deviceReading(b *observation.DeviceReading) Text {
	parts := append([]Text{when(b.Alarm != "", Text{EN: "alarm", FR: "alarme"})}, quantities(b.Values)...)
	t := sentence(parts...)
	if t.EN == "" {
		t = say("message %s", "message %s", b.Message)
	}
	t.Words = b.Alarm
	return t
}

// quantities are the first of what a device measured, each with its name and its unit.
func quantities(all []*observation.Quantity) (parts []Text) {
	const most = 6
	for _, q := range all[:min(len(all), most)] {
		value := say("%s", "%s", q.Text)
		if q.Number != nil && json.Valid([]byte(q.Text)) { // a number as the device wrote it, not a word
			value = num(q.GetNumber(), 4)
		}
		if q.Unit != "" {
			value = say("%s"+nbsp+"%s", "%s"+nbsp+"%s", value, q.Unit)
		}
		parts = append(parts, say("%s %s", "%s %s", driversName("quantity.", q.Name), value))
	}
	return parts
}

func vehicleReading(b *observation.VehicleReading) Text {
	parts := []Text{when(b.Alarm != "", Text{EN: "alarm", FR: "alarme"}), driversName("reading.", b.Name)}
	t := sentence(append(append(parts, quantities(b.Values)...),
		when(b.SpeedKph > 0, speed(b.SpeedKph)),
		when(b.LengthM > 0, unit(float64(b.LengthM), 1, "m")),
		when(b.Direction != "", name(directions, b.Direction)))...)
	t.Words = b.Alarm
	return t
}

// driversName is what the driver's own texts call something; without one it is shown as the driver wrote it.
func driversName(prefix, word string) Text {
	if code := prefix + word; message.Known(code) {
		t := message.New(code).Text()
		return Text{EN: t.EN, FR: t.FR}
	}
	return name(nil, word)
}

func deviceCondition(b *observation.DeviceCondition) Text {
	what := name(conditions, b.Condition)
	if b.Subject != "" {
		what = say("%s (%s)", "%s (%s)", what, b.Subject)
	}
	if b.Cleared {
		return sentence(say("%s: over", "%s : terminé", what))
	}
	t := sentence(what,
		when(b.Value != nil, say("%s", "%s", num(b.GetValue(), 2))),
		when(b.Limit != nil, say("limit %s", "limite %s", num(b.GetLimit(), 2))))
	return t.saying(b.Message, b.Text)
}

// conditions that drivers report; the text beside them says what to do.
var conditions = map[string]Text{
	"stuck":             {EN: "input stuck", FR: "entrée bloquée"},
	"chattering":        {EN: "input chatters", FR: "entrée instable"},
	"antenna":           {EN: "antenna not connected", FR: "antenne débranchée"},
	"no-plate":          {EN: "sends no plates", FR: "n’envoie pas de plaques"},
	"overload":          {EN: "overload", FR: "surcharge"},
	"underload":         {EN: "below zero", FR: "sous zéro"},
	"scale-error":       {EN: "scale reports an error", FR: "la bascule signale une erreur"},
	"tare-unknown":      {EN: "tare not known", FR: "tare inconnue"},
	"refused":           {EN: "reader refuses a setting", FR: "réglage refusé par le lecteur"},
	"rospec-ended":      {EN: "reader stopped reading", FR: "le lecteur a cessé de lire"},
	"unsynchronised":    {EN: "clock not synchronised", FR: "horloge non synchronisée"},
	"gps-no-receiver":   {EN: "no GPS receiver", FR: "pas de récepteur GPS"},
	"gps-no-fix":        {EN: "GPS without fix", FR: "GPS sans position"},
	"gps-week-rollover": {EN: "GPS date wrong", FR: "date GPS fausse"},
	"on-battery":        {EN: "on battery", FR: "sur batterie"},
	"low-battery":       {EN: "battery nearly empty", FR: "batterie presque vide"},
	"calibration":       {EN: "battery under test", FR: "batterie à l’essai"},
	"ups-alarm":         {EN: "UPS alarm", FR: "alarme de l’onduleur"},
	"reads-nothing":     {EN: "reads nothing while vehicles pass", FR: "ne lit rien alors que des véhicules passent"},
	"power":             {EN: "mains failed", FR: "panne de secteur"},
	"battery":           {EN: "battery low", FR: "batterie faible"},
	"error":             {EN: "internal error", FR: "erreur interne"},
	"not-ready":         {EN: "not ready", FR: "pas prêt"},
	"output-off":        {EN: "output off", FR: "sortie coupée"},
	"forced-shutdown":   {EN: "shutting down", FR: "arrêt en cours"},
	"overheated":        {EN: "too hot", FR: "trop chaud"},
	"replace-battery":   {EN: "battery to be replaced", FR: "batterie à remplacer"},
	"high-battery":      {EN: "battery voltage too high", FR: "tension de batterie trop haute"},
	"bypass":            {EN: "on bypass", FR: "en dérivation"},
	"mains-high":        {EN: "mains voltage too high", FR: "tension du secteur trop haute"},
	"mains-low":         {EN: "mains voltage too low", FR: "tension du secteur trop basse"},
	"phase-lost":        {EN: "phase lost", FR: "phase perdue"},
	"buffer":            {EN: "reader’s buffer full", FR: "mémoire du lecteur pleine"},
}

func agentStarted(b *observation.AgentStarted) Text {
	devices := b.GetInventory().GetDevices()
	return sentence(
		say("agent started, software %s", "agent démarré, logiciel %s", b.Software),
		count(len(devices), "device", "devices", "appareil", "appareils"))
}

func clockStep(b *observation.AgentClockStep) Text {
	if b.StepNs < 0 {
		return say("The agent’s clock went back by %s", "L’horloge de l’agent a reculé de %s", step(-float64(b.StepNs)))
	}
	return say("The agent’s clock went forward by %s", "L’horloge de l’agent a avancé de %s", step(float64(b.StepNs)))
}

// step shows nanoseconds.
func step(ns float64) Text {
	if ns < 10e9 {
		return milliseconds(ns / 1e6)
	}
	return span(ns / 1e9)
}

var actions = map[string]Text{
	"sign-in":      {EN: "signed in", FR: "connexion"},
	"sign-out":     {EN: "signed out", FR: "déconnexion"},
	"refused":      {EN: "refused", FR: "refusé"},
	"locked":       {EN: "locked out", FR: "bloqué"},
	"output":       {EN: "set an output", FR: "a commandé une sortie"},
	"correction":   {EN: "moved a reading", FR: "a déplacé une lecture"},
	"test":         {EN: "ran a test", FR: "a fait un essai"},
	"verification": {EN: "verified the journal", FR: "a vérifié le journal"},
}

var roles = map[string]Text{
	"viewer": {EN: "viewer", FR: "observateur"}, "technician": {EN: "technician", FR: "technicien"},
	"officer": {EN: "officer", FR: "agent des douanes"}, "admin": {EN: "administrator", FR: "administrateur"},
	"nobody": {EN: "not signed in", FR: "non connecté"},
}

func agentAccess(b *observation.AgentAccess) Text {
	who := orText(b.User, Text{EN: "somebody", FR: "quelqu’un"})
	if b.User == "local" {
		who = Text{EN: "somebody at the machine", FR: "quelqu’un sur la machine"}
	}
	if b.Role != "" && b.Role != b.User && b.User != "local" {
		who = say("%s (%s)", "%s (%s)", who, name(roles, b.Role))
	}
	t := sentence(say("%s: %s", "%s : %s", who, name(actions, b.Action)),
		when(b.Count > 1, count(b.Count, "time", "times", "fois", "fois")),
		when(b.Peer != "", say("from %s", "depuis %s", b.Peer)))
	t.Words = b.Text
	return t
}

func deviceTest(b *observation.DeviceTest) Text {
	verdict := map[observation.DeviceTest_Verdict]Text{
		observation.DeviceTest_VERDICT_PASSED:    {EN: "passed", FR: "réussi"},
		observation.DeviceTest_VERDICT_FAILED:    {EN: "failed", FR: "échoué"},
		observation.DeviceTest_VERDICT_ABANDONED: {EN: "abandoned", FR: "abandonné"},
	}[b.Verdict]
	title := b.Title
	if title == "" {
		title = b.Test
	}
	failed := 0
	for _, c := range b.Checks {
		if !c.Passed {
			failed++
		}
	}
	t := sentence(say("test “%s” %s", "essai « %s » %s", title, verdict),
		when(failed > 0, say("%s of %s checks failed", "%s vérifications échouées sur %s", failed, len(b.Checks))),
		when(b.By != "", say("by %s", "par %s", b.By)))
	t.Words = b.Note
	return t
}
