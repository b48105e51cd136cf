package plate

import (
	"strings"

	"lanewarden/drivers/identifier"
)

// maxPlateText bounds a plate as it is written, bytes: separators and other scripts need more than maxPlateRunes.
const maxPlateText = 64

// noPlate are the words by which makes say that a vehicle has no plate, or that none was read, without blanks and
// dashes.
var noPlate = set("NOPLATE", "NOPLATES", "NONE", "UNKNOWN", "UNREAD", "NOTREAD", "NOREAD", "NULL", "NIL", "UNDEFINED",
	"UNRECOGNIZED", "UNRECOGNISED", "NOTRECOGNIZED", "NOTFOUND", "NOTDETECTED", "NOTAVAILABLE", "UNREADABLE", "EMPTY",
	"UNLICENSED", "NOLICENSEPLATE", "NOLICENCEPLATE", "NOPLATEFOUND", "NOPLATEREAD", "MISSING", "无车牌", "未识别")

// states are words of other things in a plate's place.
var states = set("TRUE", "FALSE", "OK", "DONE", "YES", "NO", "SUCCESS", "SUCCEEDED", "FAIL", "FAILED", "ERROR",
	"PENDING", "ACTIVE", "INACTIVE", "ENABLED", "DISABLED", "REGISTERED", "COMPLETE", "COMPLETED")

func set(words ...string) map[string]bool {
	out := map[string]bool{}
	for _, w := range words {
		out[w] = true
	}
	return out
}

// isNoPlate reports whether a text in a plate's place says that there is none.
func isNoPlate(text string) bool {
	normal := identifier.NormalPlate(text)
	abbreviated := normal == "NA" && strings.ContainsAny(text, "/.")
	return normal == "" || abbreviated || noPlate[normal]
}

// saysNothing reports whether a plate's place holds the word of a state.
func saysNothing(normal string) bool { return states[normal] }

// isMarkup reports whether a text is HTML, XML or JSON: a page of an error, or an object in the plate's place.
func isMarkup(text string) bool { return strings.ContainsAny(text, "<>{}\"") }

// notRegions are words of the field state that are no country's part.
var notRegions = set("ACTIVE", "INACTIVE", "NEW", "LOST", "OK", "OPEN", "CLOSED", "ON", "OFF",
	"START", "STARTED", "STOP",
	"STOPPED", "END", "ENDED", "BEGIN", "UPDATE", "UPDATED", "ONLINE", "OFFLINE", "TRUE", "FALSE", "ENTER", "EXIT",
	"DONE", "COMPLETE", "COMPLETED", "DETECTED", "CONFIRMED", "UNKNOWN", "NONE", "NULL", "N/A", "PENDING", "PROCESSED",
	"IDLE", "RUNNING", "FINISHED", "VALID", "INVALID", "ERROR")

// region returns the first of some fields that names a region, in lower case. ON alone is Ontario, and the state of
// a switch: it is kept out only where the field is called state.
func (n *node) region(paths []string) string {
	for _, p := range paths {
		v := n.first([]string{p})
		if v != "" && (!strings.HasSuffix(p, ".state") || !notRegions[strings.ToUpper(v)] || v == "ON") {
			return strings.ToLower(v)
		}
	}
	return ""
}
