package identifier

// ParseAirWaybill reads an air waybill number (IATA Resolution 600a): airline prefix of 3 digits, serial number of 7,
// the remainder of the serial number by 7. That check does not find a digit that is off by 7.
func ParseAirWaybill(text string) (Reading, error) {
	number := compact(text, "-")
	switch {
	case len(number) != 11:
		return Reading{}, wrong(AirWaybill, "length", "%s, must be 11", counted(len(number), "character"))
	case !digits(number):
		return Reading{}, wrong(AirWaybill, "number", "%q, must be digits", number)
	}
	value := number[:3] + "-" + number[3:]
	return verified(Reading{Kind: AirWaybill, Value: value, Issuer: number[:3]}, number[10], mod7(number[3:10])), nil
}
