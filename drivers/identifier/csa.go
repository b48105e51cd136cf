package identifier

// CSA is the three bar codes of Customs Self Assessment at a highway: carrier code, importer's BN15 and driver's
// number, shown in any order.
type CSA struct{ Carrier, Importer, Driver Reading }

// ParseCSA assigns three codes, in any order, to their fields. It is an error when one is missing, or when more than
// one order is possible: a carrier code of four digits beside a driver's number of four digits.
func ParseCSA(codes [3]string) (CSA, error) {
	var found []CSA
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		text := func(i int) string { return Unwrap(codes[order[i]]).Text }
		c, err1 := ParseCarrierCode(text(0))
		i, err2 := ParseImporter(text(1))
		d, err3 := ParseDriverNumber(text(2))
		if _, also := ParseImporter(text(2)); also == nil {
			continue // a second importer is no driver
		}
		if err1 == nil && err2 == nil && err3 == nil {
			found = append(found, CSA{c, i, d})
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return CSA{}, wrong(Unknown, "codes",
			"not a carrier code (4 characters), an importer's BN15 and a driver's number")
	}
	return CSA{}, wrong(Unknown, "codes", "carrier code and driver's number cannot be told apart")
}
