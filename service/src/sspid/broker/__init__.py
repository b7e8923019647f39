"""The broker owns every handle, runs the legs of the packages and answers what they ask of the world."""
