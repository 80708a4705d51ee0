export const benchWorkers = async (_json: boolean, _numbers: object): Promise<boolean> => false;
