/** The operators' token of the services under test, unless a test says otherwise. */
export const OPERATOR_TOKEN = "the-operators-token-of-the-tests-0123456789";
