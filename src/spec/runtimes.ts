/** When the tables below were read. */
export const RUNTIMES_READ_ON = '2026-08-13';

/**
 * Runtimes that AWS no longer patches, with the day on which that began (ISO 8601). Later AWS refuses to create functions
 * with them, and then to update them. What is still supported on {@link RUNTIMES_READ_ON} is not in here.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
 */
export const DEPRECATED_RUNTIMES: ReadonlyMap<string, string> = new Map([
  ['provided.al2', '2026-07-31'],
  ['nodejs20.x', '2026-04-30'],
  ['ruby3.2', '2026-03-31'],
  ['python3.9', '2025-12-15'],
  ['nodejs18.x', '2025-09-01'],
  ['dotnet6', '2024-12-20'],
  ['python3.8', '2024-10-14'],
  ['nodejs16.x', '2024-06-12'],
  ['java8', '2024-01-08'],
  ['go1.x', '2024-01-08'],
  ['provided', '2024-01-08'],
  ['ruby2.7', '2023-12-07'],
  ['nodejs14.x', '2023-12-04'],
  ['python3.7', '2023-12-04'],
  ['dotnetcore3.1', '2023-04-03'],
  ['nodejs12.x', '2023-03-31'],
  ['python3.6', '2022-07-18'],
  ['dotnetcore2.1', '2022-01-05'],
  ['nodejs10.x', '2021-07-30'],
  ['ruby2.5', '2021-07-30'],
  ['python2.7', '2021-07-15'],
  ['nodejs8.10', '2020-03-06'],
  ['nodejs4.3', '2020-03-05'],
  ['nodejs4.3-edge', '2020-03-05'],
  ['nodejs6.10', '2019-08-12'],
  ['dotnetcore1.0', '2019-06-27'],
  ['dotnetcore2.0', '2019-05-30'],
  ['nodejs', '2016-08-30'],
]);

/**
 * Runtimes that never have SnapStart. It begins with Java 11, Python 3.12 and .NET 8, so that what AWS adds to those lines
 * later is not refused here.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes
 */
export const NO_SNAPSTART = /^(?:nodejs|ruby|go|provided|dotnetcore|dotnet6$|java8|python(?:2|3\.(?:[6-9]|1[01])$))/;
