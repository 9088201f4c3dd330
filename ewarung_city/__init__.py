"""The city's side: takes journals in, gives rights out, and can say where every gram went."""
